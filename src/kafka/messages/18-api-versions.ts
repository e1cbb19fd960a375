/** ApiVersions: what this broker speaks. Its reply has the oldest header whatever its version, so anyone can read it. */
import { array, bool, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "3+" };

export const ApiVersionsRequest = message("ApiVersionsRequest", ranges, {
  clientSoftwareName: string("3+", { default: "" }),
  clientSoftwareVersion: string("3+", { default: "" }),
});

export const ApiVersionsResponse = message("ApiVersionsResponse", ranges, {
  errorCode: int16("0+"),
  apiKeys: array("0+", {
    apiKey: int16("0+"),
    minVersion: int16("0+"),
    maxVersion: int16("0+"),
  }),
  throttleTimeMs: int32("1+", { default: 0 }),
  supportedFeatures: array(
    "3+",
    { name: string("3+"), minVersion: int16("3+"), maxVersion: int16("3+") },
    { tag: 0 },
  ),
  finalizedFeaturesEpoch: int64("3+", { default: -1, tag: 1 }),
  finalizedFeatures: array(
    "3+",
    { name: string("3+"), maxVersionLevel: int16("3+"), minVersionLevel: int16("3+") },
    { tag: 2 },
  ),
  zkMigrationReady: bool("3+", { default: false, tag: 3 }),
});

export const ApiVersions = {
  key: 18,
  name: "ApiVersions",
  request: ApiVersionsRequest,
  reply: ApiVersionsResponse,
};
