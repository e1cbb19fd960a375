/** AlterConfigs: replaces all settings of topics. Version 2 is flexible; otherwise the versions are the same. */
import { array, bool, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-2", flexible: "2+" };

export const AlterConfigsRequest = message("AlterConfigsRequest", ranges, {
  resources: array("0+", {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    configs: array("0+", { name: string("0+"), value: string("0+", { nullable: "0+" }) }),
  }),
  validateOnly: bool("0+"),
});

export const AlterConfigsResponse = message("AlterConfigsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  responses: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    resourceType: int8("0+"),
    resourceName: string("0+"),
  }),
});

export const AlterConfigs = {
  key: 33,
  name: "AlterConfigs",
  request: AlterConfigsRequest,
  reply: AlterConfigsResponse,
};
