/**
 * DescribeTopicPartitions: like Metadata without brokers and without creating anything, and in pages, so that the
 * answer stays small however many partitions there are.
 */
import { authorizedOperations } from "../authorized-operations.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { isTopicName, NO_TOPIC_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from "../messages/75-describe-topic-partitions.ts";
import { partitionOf } from "../partition-view.ts";

type Request = BodyOf<typeof DescribeTopicPartitionsRequest>;
type Reply = InputOf<typeof DescribeTopicPartitionsResponse>;

const PARTITIONS_MAX = 2000;
/** Not null: Java's client takes that for a list. */
const NO_OTHER_LEADERS = { eligibleLeaderReplicas: [], lastKnownElr: [] };

export const describeTopicPartitionsHandler: Handler<Request, Reply> = (request, call) => {
  const { broker } = call.context;
  const { cursor } = request;
  const asked = request.topics.map(({ name }) => name);
  const all = asked.length > 0 ? [...new Set(asked)].sort() : broker.listStreams().map(({ name }) => name);
  let left = Math.min(Math.max(request.responsePartitionLimit, 1), PARTITIONS_MAX);
  const topics: Reply["topics"][number][] = [];
  for (const name of all) {
    if (cursor && name < cursor.topicName) continue;
    const stream = broker.streamByName(name);
    if (!stream) {
      const errorCode = isTopicName(name) ? KafkaError.unknownTopicOrPartition : KafkaError.invalidTopic;
      topics.push({ errorCode, name, topicId: NO_TOPIC_ID, partitions: [] });
      continue;
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
    const shards = stream.shards.filter(({ index }) => index >= first);
    const next = shards[left];
    if (left === 0)
      return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: first } };
    const partitions = shards.slice(0, left).map((shard) => ({ ...partitionOf(shard), ...NO_OTHER_LEADERS }));
    const topicAuthorizedOperations = authorizedOperations(call, "topic", name);
    topics.push({
      errorCode: KafkaError.none,
      name,
      topicId: stream.id,
      partitions,
      topicAuthorizedOperations,
    });
    left -= partitions.length;
    if (next) {
      return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: next.index } };
    }
  }
  return { throttleTimeMs: 0, topics };
};
