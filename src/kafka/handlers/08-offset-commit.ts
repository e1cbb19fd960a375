/** OffsetCommit: answered when the offsets survive a crash. Partitions that do not exist are refused, the others stored. */
import { type CommittedOffset, OFFSET_METADATA_MAX } from "../../groups/groups.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { shardAt } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { OffsetCommitRequest, OffsetCommitResponse } from "../messages/08-offset-commit.ts";

type Request = BodyOf<typeof OffsetCommitRequest>;
type Partition = Request["topics"][number]["partitions"][number];
type Reply = InputOf<typeof OffsetCommitResponse>;

const FIRST_VERSION_WITH_GROUP_NOT_FOUND = 9;

export const offsetCommitHandler: Handler<Request, Reply> = async (request, call) => {
  const offsets: CommittedOffset[] = [];
  const refused = new Map<Partition, KafkaError>();
  for (const { name, partitions } of request.topics) {
    const stream = call.context.broker.streamByName(name);
    for (const partition of partitions) {
      const { partitionIndex, committedOffset, committedLeaderEpoch } = partition;
      const metadata = partition.committedMetadata ?? "";
      if (!stream || !shardAt(stream, partitionIndex))
        refused.set(partition, KafkaError.unknownTopicOrPartition);
      else if (metadata.length > OFFSET_METADATA_MAX)
        refused.set(partition, KafkaError.offsetMetadataTooLarge);
      else {
        offsets.push({
          streamId: stream.id,
          shard: partitionIndex,
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
        });
      }
    }
  }
  const code = await commit(request, offsets, call);
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => ({
      partitionIndex: partition.partitionIndex,
      errorCode: code === KafkaError.none ? (refused.get(partition) ?? code) : code,
    })),
  }));
  return { topics };
};

async function commit(request: Request, offsets: CommittedOffset[], call: Call): Promise<KafkaError> {
  const speaker = {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generation: request.generationIdOrMemberEpoch,
  };
  try {
    const failure = await call.context.groups.commit(request.groupId, speaker, offsets);
    if (failure === "group_not_found" && call.version < FIRST_VERSION_WITH_GROUP_NOT_FOUND) {
      return KafkaError.illegalGeneration;
    }
    return groupErrorOf(failure);
  } catch (error) {
    kafkaErrorOf(error);
    // Retriable, for every client: a full disk may have space again, a stopped voik may be back.
    return KafkaError.coordinatorNotAvailable;
  }
}
