/** AlterClientQuotas: sets and takes away quotas of users and client ids (KIP-546). */
import { array, bool, float64, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "1+" };

export const AlterClientQuotasRequest = message("AlterClientQuotasRequest", ranges, {
  entries: array("0+", {
    entity: array("0+", { entityType: string("0+"), entityName: string("0+", { nullable: "0+" }) }),
    ops: array("0+", { key: string("0+"), value: float64("0+"), remove: bool("0+") }),
  }),
  validateOnly: bool("0+"),
});

export const AlterClientQuotasResponse = message("AlterClientQuotasResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  entries: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    entity: array("0+", { entityType: string("0+"), entityName: string("0+", { nullable: "0+" }) }),
  }),
});

export const AlterClientQuotas = {
  key: 49,
  name: "AlterClientQuotas",
  request: AlterClientQuotasRequest,
  reply: AlterClientQuotasResponse,
};
