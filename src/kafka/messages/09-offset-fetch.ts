/**
 * OffsetFetch: how far a group has read. Version 2 asks for all topics with null, 5 brings leader epochs, 6 flexible fields, 7
 * "stable offsets only", 8 many groups at once (KIP-709), 9 member epochs (KIP-848).
 */
import { array, bool, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "1-9", flexible: "6+" };

export const OffsetFetchRequest = message("OffsetFetchRequest", ranges, {
  groupId: string("0-7"),
  topics: array("0-7", { name: string("0-7"), partitionIndexes: array("0-7", int32()) }, { nullable: "2-7" }),
  groups: array("8+", {
    groupId: string("8+"),
    memberId: string("9+", { nullable: "9+", default: null }),
    memberEpoch: int32("9+", { default: -1 }),
    topics: array("8+", { name: string("8+"), partitionIndexes: array("8+", int32()) }, { nullable: "8+" }),
  }),
  requireStable: bool("7+", { default: false }),
});

export const OffsetFetchResponse = message("OffsetFetchResponse", ranges, {
  throttleTimeMs: int32("3+", { default: 0 }),
  topics: array("0-7", {
    name: string("0-7"),
    partitions: array("0-7", {
      partitionIndex: int32("0-7"),
      committedOffset: int64("0-7"),
      committedLeaderEpoch: int32("5-7", { default: -1 }),
      metadata: string("0-7", { nullable: "0-7" }),
      errorCode: int16("0-7"),
    }),
  }),
  errorCode: int16("2-7", { default: 0 }),
  groups: array("8+", {
    groupId: string("8+"),
    topics: array("8+", {
      name: string("8+"),
      partitions: array("8+", {
        partitionIndex: int32("8+"),
        committedOffset: int64("8+"),
        committedLeaderEpoch: int32("8+", { default: -1 }),
        metadata: string("8+", { nullable: "8+" }),
        errorCode: int16("8+"),
      }),
    }),
    errorCode: int16("8+", { default: 0 }),
  }),
});

export const OffsetFetch = {
  key: 9,
  name: "OffsetFetch",
  request: OffsetFetchRequest,
  reply: OffsetFetchResponse,
};
