/** DescribeClientQuotas: the quotas of the users and client ids that a filter means (KIP-546). */
import { array, bool, float64, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "1+" };

export const DescribeClientQuotasRequest = message("DescribeClientQuotasRequest", ranges, {
  components: array("0+", {
    entityType: string("0+"),
    matchType: int8("0+"),
    match: string("0+", { nullable: "0+" }),
  }),
  strict: bool("0+"),
});

export const DescribeClientQuotasResponse = message("DescribeClientQuotasResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  errorMessage: string("0+", { nullable: "0+" }),
  entries: array(
    "0+",
    {
      entity: array("0+", { entityType: string("0+"), entityName: string("0+", { nullable: "0+" }) }),
      values: array("0+", { key: string("0+"), value: float64("0+") }),
    },
    { nullable: "0+" },
  ),
});

export const DescribeClientQuotas = {
  key: 48,
  name: "DescribeClientQuotas",
  request: DescribeClientQuotasRequest,
  reply: DescribeClientQuotasResponse,
};
