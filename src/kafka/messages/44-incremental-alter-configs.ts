/** IncrementalAlterConfigs (KIP-339): operations on single settings: 0 set, 1 delete, 2 append, 3 subtract. */
import { array, bool, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "1+" };

export const IncrementalAlterConfigsRequest = message("IncrementalAlterConfigsRequest", ranges, {
  resources: array("0+", {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    configs: array("0+", {
      name: string("0+"),
      configOperation: int8("0+"),
      value: string("0+", { nullable: "0+" }),
    }),
  }),
  validateOnly: bool("0+"),
});

export const IncrementalAlterConfigsResponse = message("IncrementalAlterConfigsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  responses: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    resourceType: int8("0+"),
    resourceName: string("0+"),
  }),
});

export const IncrementalAlterConfigs = {
  key: 44,
  name: "IncrementalAlterConfigs",
  request: IncrementalAlterConfigsRequest,
  reply: IncrementalAlterConfigsResponse,
};
