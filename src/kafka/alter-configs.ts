/**
 * What AlterConfigs and IncrementalAlterConfigs share: each resource is checked whole and then changed at once, or not
 * at all. Only topics have settings that can be changed; the broker's come from its own options.
 */
import { VoikError } from "../base/errors.ts";
import type { KafkaContext } from "./context.ts";
import { KafkaError, type Refusal, refusalOf } from "./errors.ts";
import type { Chosen } from "./topic-config-table.ts";

/** Kafka's numbers for what has settings. */
export const ConfigResource = { topic: 2, broker: 4, clientMetrics: 16, group: 32 } as const;

export interface AlteredResource<Change> {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly Change[];
}

export interface AlterResult {
  readonly errorCode: KafkaError;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Alters each resource; `alter` gives what a topic is to have chosen, or throws VoikError. */
export function alterConfigs<Change extends { readonly name: string }>(
  context: KafkaContext,
  resources: readonly AlteredResource<Change>[],
  validateOnly: boolean,
  alter: (topic: Chosen, configs: readonly Change[]) => Chosen,
): AlterResult[] {
  const times = new Map<string, number>();
  const keyOf = ({ resourceType, resourceName }: AlteredResource<Change>) =>
    `${resourceType} ${resourceName}`;
  for (const resource of resources) times.set(keyOf(resource), (times.get(keyOf(resource)) ?? 0) + 1);
  return resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const answer = (refusal?: Refusal): AlterResult => ({
      ...(refusal ?? { errorCode: KafkaError.none, errorMessage: null }),
      resourceType,
      resourceName,
    });
    try {
      if (times.get(keyOf(resource)) !== 1) {
        throw new VoikError("argument_invalid", `${resourceName} is named more than once in one request`);
      }
      alterOne(context, resource, validateOnly, alter);
      return answer();
    } catch (error) {
      return answer(refusalOf(error));
    }
  });
}

function alterOne<Change extends { readonly name: string }>(
  { broker }: KafkaContext,
  { resourceType, resourceName, configs }: AlteredResource<Change>,
  validateOnly: boolean,
  alter: (topic: Chosen, configs: readonly Change[]) => Chosen,
): void {
  if (resourceType === ConfigResource.broker) {
    throw new VoikError(
      "config_invalid",
      "the broker's settings come from its command line and environment: see voik serve --help",
    );
  }
  if (resourceType !== ConfigResource.topic) {
    throw new VoikError("argument_invalid", `resources of type ${resourceType} have no settings here`);
  }
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    throw new VoikError("argument_invalid", `a setting of ${resourceName} is named twice`);
  }
  const stream = broker.streamByName(resourceName);
  if (!stream) throw new VoikError("stream_not_found", `there is no topic ${resourceName}`);
  const { retentionMs, durability, settings } = stream;
  const changed = alter({ retentionMs, durability, settings }, configs);
  if (!validateOnly) broker.change(stream, changed);
}
