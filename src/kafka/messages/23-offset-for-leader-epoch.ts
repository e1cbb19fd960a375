/** OffsetForLeaderEpoch: where a leader epoch ended. Version 2 fences by the current epoch, 4 is flexible. */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "4+" };

export const OffsetForLeaderEpochRequest = message("OffsetForLeaderEpochRequest", ranges, {
  replicaId: int32("3+", { default: -2 }),
  topics: array("0+", {
    topic: string("0+"),
    partitions: array("0+", {
      partition: int32("0+"),
      currentLeaderEpoch: int32("2+", { default: -1 }),
      leaderEpoch: int32("0+"),
    }),
  }),
});

export const OffsetForLeaderEpochResponse = message("OffsetForLeaderEpochResponse", ranges, {
  throttleTimeMs: int32("2+"),
  topics: array("0+", {
    topic: string("0+"),
    partitions: array("0+", {
      errorCode: int16("0+"),
      partition: int32("0+"),
      leaderEpoch: int32("1+", { default: -1 }),
      endOffset: int64("0+", { default: -1 }),
    }),
  }),
});

export const OffsetForLeaderEpoch = {
  key: 23,
  name: "OffsetForLeaderEpoch",
  request: OffsetForLeaderEpochRequest,
  reply: OffsetForLeaderEpochResponse,
};
