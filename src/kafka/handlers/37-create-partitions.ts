/**
 * CreatePartitions: a topic that has never been written to gets more partitions; any other is refused with the way
 * out. See docs/decisions/0121: shard ranges have to tile the hash keys, and no written key may change its shard
 * without a split.
 */
import { VoikError } from "../../base/errors.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, NODE_ID } from "../context.ts";
import { KafkaError, type Refusal, refusalOf } from "../errors.ts";
import type { CreatePartitionsRequest, CreatePartitionsResponse } from "../messages/37-create-partitions.ts";

type Request = BodyOf<typeof CreatePartitionsRequest>;
type Wanted = Request["topics"][number];
type Reply = InputOf<typeof CreatePartitionsResponse>;

export const createPartitionsHandler: Handler<Request, Reply> = async (request, { context }) => {
  const results: Reply["results"][number][] = [];
  const seen = Map.groupBy(request.topics, ({ name }) => name);
  for (const [name, [wanted, ...more]] of seen) {
    let refusal: Refusal | undefined;
    try {
      if (more.length > 0) throw new VoikError("argument_invalid", `topic ${name} is named more than once`);
      refusal = await grow(context, wanted as Wanted, request.validateOnly);
    } catch (error) {
      refusal = refusalOf(error);
    }
    results.push({ name, errorCode: KafkaError.none, ...refusal });
  }
  return { throttleTimeMs: 0, results };
};

async function grow(
  { broker, limits }: KafkaContext,
  { name, count, assignments }: Wanted,
  validateOnly: boolean,
): Promise<Refusal | undefined> {
  const stream = broker.streamByName(name);
  if (!stream) throw new VoikError("stream_not_found", `there is no topic ${name}`);
  if (count > limits.partitionsMax) {
    throw new VoikError(
      "limit_exceeded",
      `at most ${limits.partitionsMax} partitions a topic are allowed, not ${count}`,
    );
  }
  const added = count - stream.shards.length;
  if (added <= 0) {
    throw new VoikError(
      "shard_count_invalid",
      `topic ${name} has ${stream.shards.length} partitions already; ${count} are not more`,
    );
  }
  const ours = assignments?.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID);
  if (assignments && (assignments.length !== added || !ours)) {
    return {
      errorCode: KafkaError.invalidReplicaAssignment,
      errorMessage: `${added} partitions are new, each goes to broker ${NODE_ID} alone`,
    };
  }
  if (validateOnly) broker.checkReshard(stream, { kind: "grow", shardCount: count });
  else await broker.reshard(stream, { kind: "grow", shardCount: count });
  return undefined;
}
