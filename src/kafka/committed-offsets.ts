/** What OffsetCommit and TxnOffsetCommit have in common: the offsets of a request as ours, and the codes of the reply. */
import { type CommittedOffset, OFFSET_METADATA_MAX } from "../groups/groups.ts";
import type { Broker } from "../streams/broker.ts";
import { shardAt } from "./context.ts";
import { KafkaError } from "./errors.ts";

interface Partition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

interface Topic {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

interface TopicReply {
  name: string;
  partitions: { partitionIndex: number; errorCode: KafkaError }[];
}

/**
 * The offsets that can be stored. `reply` makes the answer from the code for these: partitions that do not exist, and
 * metadata that is too long, have codes of their own, unless nothing was stored at all.
 */
export function offsetsToCommit(
  topics: readonly Topic[],
  broker: Broker,
): { offsets: CommittedOffset[]; reply: (code: KafkaError) => TopicReply[] } {
  const offsets: CommittedOffset[] = [];
  const refused = new Map<Partition, KafkaError>();
  for (const { name, partitions } of topics) {
    const stream = broker.streamByName(name);
    for (const partition of partitions) {
      const { partitionIndex: shard, committedOffset: offset, committedLeaderEpoch: leaderEpoch } = partition;
      const metadata = partition.committedMetadata ?? "";
      if (!stream || !shardAt(stream, shard)) refused.set(partition, KafkaError.unknownTopicOrPartition);
      else if (metadata.length > OFFSET_METADATA_MAX)
        refused.set(partition, KafkaError.offsetMetadataTooLarge);
      else offsets.push({ streamId: stream.id, shard, offset, leaderEpoch, metadata });
    }
  }
  const reply = (code: KafkaError) =>
    topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: code === KafkaError.none ? (refused.get(partition) ?? code) : code,
      })),
    }));
  return { offsets, reply };
}
