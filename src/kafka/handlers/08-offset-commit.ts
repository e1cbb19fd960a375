/** OffsetCommit: answered when the offsets survive a crash. Partitions that do not exist are refused, the others stored. */
import type { CommittedOffset } from "../../groups/groups.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { offsetsToCommit } from "../committed-offsets.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { OffsetCommitRequest, OffsetCommitResponse } from "../messages/08-offset-commit.ts";

type Request = BodyOf<typeof OffsetCommitRequest>;
type Reply = InputOf<typeof OffsetCommitResponse>;

const FIRST_VERSION_WITH_GROUP_NOT_FOUND = 9;

export const offsetCommitHandler: Handler<Request, Reply> = async (request, call) => {
  const { offsets, reply } = offsetsToCommit(request.topics, call.context.broker);
  return { topics: reply(await commit(request, offsets, call)) };
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
