/** DescribeClientQuotas: what the filter means, an entry for each entity. */
import type { Quota } from "../../access/quota.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from "../messages/48-describe-client-quotas.ts";
import { entityFilterOf, wireEntityOf } from "../quota-entities.ts";

export const describeClientQuotasHandler: Handler<
  BodyOf<typeof DescribeClientQuotasRequest>,
  InputOf<typeof DescribeClientQuotasResponse>
> = ({ components, strict }, { context: { access } }) => {
  let meant: ReturnType<typeof entityFilterOf>;
  try {
    meant = entityFilterOf(components, strict);
  } catch (error) {
    return { ...refusalOf(error), entries: null };
  }
  const quotas = access.quotas.list().filter(({ entity }) => meant(entity));
  const entries = [...Map.groupBy(quotas, ({ entity }) => entity)].map(([entity, own]) => ({
    entity: wireEntityOf(entity),
    values: own.map(valueOf),
  }));
  return { errorCode: KafkaError.none, errorMessage: null, entries };
};

function valueOf({ key, bytesPerSecond }: Quota): { key: string; value: number } {
  return { key, value: bytesPerSecond };
}
