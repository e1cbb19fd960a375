/** DescribeConfigs: settings of topics and brokers. Version 1 brings synonyms, 3 types and documentation. */
import { array, bool, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "4+" };

export const DescribeConfigsRequest = message("DescribeConfigsRequest", ranges, {
  resources: array("0+", {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    configurationKeys: array("0+", string(), { nullable: "0+" }),
  }),
  includeSynonyms: bool("1+", { default: false }),
  includeDocumentation: bool("3+", { default: false }),
});

export const DescribeConfigsResponse = message("DescribeConfigsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  results: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    resourceType: int8("0+"),
    resourceName: string("0+"),
    configs: array("0+", {
      name: string("0+"),
      value: string("0+", { nullable: "0+" }),
      readOnly: bool("0+"),
      isDefault: bool("0"),
      configSource: int8("1+", { default: -1 }),
      isSensitive: bool("0+"),
      synonyms: array("1+", {
        name: string("1+"),
        value: string("1+", { nullable: "0+" }),
        source: int8("1+"),
      }),
      configType: int8("3+", { default: 0 }),
      documentation: string("3+", { nullable: "0+" }),
    }),
  }),
});

export const DescribeConfigs = {
  key: 32,
  name: "DescribeConfigs",
  request: DescribeConfigsRequest,
  reply: DescribeConfigsResponse,
};
