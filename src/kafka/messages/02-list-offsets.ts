/**
 * ListOffsets: the offset of a timestamp, or of a special one: -1 latest, -2 earliest, -3 largest timestamp
 * (version 7, KIP-734), -4 earliest on local disk (version 8, KIP-405), -5 last tiered (version 9, KIP-1005), -6 next to be
 * tiered (version 11, KIP-1023).
 */
import { array, int16, int32, int64, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "1-11", flexible: "6+" };

export const ListOffsetsRequest = message("ListOffsetsRequest", ranges, {
  replicaId: int32("0+"),
  isolationLevel: int8("2+"),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      currentLeaderEpoch: int32("4+", { default: -1 }),
      timestamp: int64("0+"),
    }),
  }),
  timeoutMs: int32("10+"),
});

export const ListOffsetsResponse = message("ListOffsetsResponse", ranges, {
  throttleTimeMs: int32("2+"),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      errorCode: int16("0+"),
      timestamp: int64("1+", { default: -1 }),
      offset: int64("1+", { default: -1 }),
      leaderEpoch: int32("4+", { default: -1 }),
    }),
  }),
});

export const ListOffsets = {
  key: 2,
  name: "ListOffsets",
  request: ListOffsetsRequest,
  reply: ListOffsetsResponse,
};
