/**
 * TxnOffsetCommit: a group has read up to here, if the transaction ends well (KIP-98). Version 2 brings leader epochs, 3
 * members (KIP-447) and flexible fields, 4 other error codes, 5 takes the group into the transaction (KIP-890).
 */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "3+" };

export const TxnOffsetCommitRequest = message("TxnOffsetCommitRequest", ranges, {
  transactionalId: string("0+"),
  groupId: string("0+"),
  producerId: int64("0+"),
  producerEpoch: int16("0+"),
  generationIdOrMemberEpoch: int32("3+", { default: -1 }),
  memberId: string("3+", { default: "" }),
  groupInstanceId: string("3+", { nullable: "3+", default: null }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      committedOffset: int64("0+"),
      committedLeaderEpoch: int32("2+", { default: -1 }),
      committedMetadata: string("0+", { nullable: "0+" }),
    }),
  }),
});

export const TxnOffsetCommitResponse = message("TxnOffsetCommitResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", { partitionIndex: int32("0+"), errorCode: int16("0+") }),
  }),
});

export const TxnOffsetCommit = {
  key: 28,
  name: "TxnOffsetCommit",
  request: TxnOffsetCommitRequest,
  reply: TxnOffsetCommitResponse,
};
