/**
 * ListConfigResources: names of what has settings. Version 0, then called ListClientMetricsResources, lists client
 * metrics alone; version 1 (KIP-1142) lists by type, all types when none is given.
 */
import { array, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "0+" };

export const ListConfigResourcesRequest = message("ListConfigResourcesRequest", ranges, {
  resourceTypes: array("1+", int8()),
});

export const ListConfigResourcesResponse = message("ListConfigResourcesResponse", ranges, {
  throttleTimeMs: int32("0+"),
  errorCode: int16("0+"),
  configResources: array("0+", {
    resourceName: string("0+"),
    resourceType: int8("1+", { default: 16 }),
  }),
});

export const ListConfigResources = {
  key: 74,
  name: "ListConfigResources",
  request: ListConfigResourcesRequest,
  reply: ListConfigResourcesResponse,
};
