/**
 * AlterClientQuotas: an answer for each entity. Those that can be are changed together, by one write; they hold from
 * the next request of any client on.
 */
import { checkQuotaChange, QUOTA_KEYS, type QuotaChange } from "../../access/quota.ts";
import { VoikError } from "../../base/errors.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, type Refusal, refusalOf } from "../errors.ts";
import type {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from "../messages/49-alter-client-quotas.ts";
import { quotaEntityOf } from "../quota-entities.ts";

type Request = BodyOf<typeof AlterClientQuotasRequest>;
type Entry = Request["entries"][number];

const DONE = { errorCode: KafkaError.none, errorMessage: null };

export const alterClientQuotasHandler: Handler<Request, InputOf<typeof AlterClientQuotasResponse>> = (
  { entries, validateOnly },
  { context: { access } },
) => {
  const changes: QuotaChange[] = [];
  const refusals = entries.map((entry) => refusalWhile(() => changes.push(...changesOf(entry))));
  const refusal = validateOnly ? undefined : refusalWhile(() => access.quotas.alter(changes));
  return {
    entries: entries.map(({ entity }, i) => ({ ...(refusals[i] ?? refusal ?? DONE), entity })),
  };
};

function refusalWhile(work: () => void): Refusal | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return refusalOf(error);
  }
}

/** Throws VoikError argument_invalid. */
function changesOf({ entity: parts, ops }: Entry): QuotaChange[] {
  const entity = quotaEntityOf(parts);
  return ops.map(({ key: name, value, remove }) => {
    const key = QUOTA_KEYS.find((one) => one === name);
    if (key === undefined) {
      const message = `voik has the quotas ${QUOTA_KEYS.join(" and ")}, not ${JSON.stringify(name)}`;
      throw new VoikError("argument_invalid", message);
    }
    const change = { entity, key, bytesPerSecond: remove ? undefined : value };
    checkQuotaChange(change);
    return change;
  });
}
