/** DeleteRecords: moves the start of partitions to an offset; -1 is the high watermark. Version 2 is flexible. */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-2", flexible: "2+" };

export const DeleteRecordsRequest = message("DeleteRecordsRequest", ranges, {
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", { partitionIndex: int32("0+"), offset: int64("0+") }),
  }),
  timeoutMs: int32("0+"),
});

export const DeleteRecordsResponse = message("DeleteRecordsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      lowWatermark: int64("0+"),
      errorCode: int16("0+"),
    }),
  }),
});

export const DeleteRecords = {
  key: 21,
  name: "DeleteRecords",
  request: DeleteRecordsRequest,
  reply: DeleteRecordsResponse,
};
