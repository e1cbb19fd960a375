/**
 * OffsetCommit: a group has read up to here. Version 5 drops the retention time, 6 brings leader epochs, 7 static members, 8
 * flexible fields, 9 other error codes (KIP-848).
 */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "2-9", flexible: "8+" };

export const OffsetCommitRequest = message("OffsetCommitRequest", ranges, {
  groupId: string("0+"),
  generationIdOrMemberEpoch: int32("1+", { default: -1 }),
  memberId: string("1+"),
  groupInstanceId: string("7+", { nullable: "7+", default: null }),
  retentionTimeMs: int64("2-4", { default: -1 }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      committedOffset: int64("0+"),
      committedLeaderEpoch: int32("6+", { default: -1 }),
      commitTimestamp: int64("1", { default: -1 }),
      committedMetadata: string("0+", { nullable: "0+" }),
    }),
  }),
});

export const OffsetCommitResponse = message("OffsetCommitResponse", ranges, {
  throttleTimeMs: int32("3+", { default: 0 }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", { partitionIndex: int32("0+"), errorCode: int16("0+") }),
  }),
});

export const OffsetCommit = {
  key: 8,
  name: "OffsetCommit",
  request: OffsetCommitRequest,
  reply: OffsetCommitResponse,
};
