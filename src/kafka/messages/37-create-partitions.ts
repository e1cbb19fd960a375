/** CreatePartitions: more partitions for topics. Version 2 is flexible. */
import { array, bool, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-3", flexible: "2+" };

export const CreatePartitionsRequest = message("CreatePartitionsRequest", ranges, {
  topics: array("0+", {
    name: string("0+"),
    count: int32("0+"),
    assignments: array("0+", { brokerIds: array("0+", int32()) }, { nullable: "0+" }),
  }),
  timeoutMs: int32("0+"),
  validateOnly: bool("0+"),
});

export const CreatePartitionsResponse = message("CreatePartitionsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  results: array("0+", {
    name: string("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
  }),
});

export const CreatePartitions = {
  key: 37,
  name: "CreatePartitions",
  request: CreatePartitionsRequest,
  reply: CreatePartitionsResponse,
};
