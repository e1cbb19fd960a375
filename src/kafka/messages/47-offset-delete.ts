/** OffsetDelete: forgets offsets of a group (KIP-496). */
import { array, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "1+" };

export const OffsetDeleteRequest = message("OffsetDeleteRequest", ranges, {
  groupId: string("0+"),
  topics: array("0+", { name: string("0+"), partitions: array("0+", { partitionIndex: int32("0+") }) }),
});

export const OffsetDeleteResponse = message("OffsetDeleteResponse", ranges, {
  errorCode: int16("0+"),
  throttleTimeMs: int32("0+", { default: 0 }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", { partitionIndex: int32("0+"), errorCode: int16("0+") }),
  }),
});

export const OffsetDelete = {
  key: 47,
  name: "OffsetDelete",
  request: OffsetDeleteRequest,
  reply: OffsetDeleteResponse,
};
