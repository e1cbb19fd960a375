/**
 * TxnOffsetCommit: stores offsets that become the group's when the transaction ends well. Answered when they survive a
 * crash. From version 5 on it takes the group into the transaction by itself.
 */
import { isFailure } from "../../transactions/transactions.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { offsetsToCommit } from "../committed-offsets.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from "../messages/28-txn-offset-commit.ts";
import { writeErrorOf } from "../transaction-errors.ts";

type Request = BodyOf<typeof TxnOffsetCommitRequest>;

const FIRST_VERSION_WITH_ABORTABLE = 4;
const FIRST_VERSION_THAT_ADDS = 5;

export const txnOffsetCommitHandler: Handler<Request, InputOf<typeof TxnOffsetCommitResponse>> = async (
  request,
  call,
) => {
  const { offsets, reply } = offsetsToCommit(request.topics, call.context.broker);
  return { topics: reply(await commit(request, offsets, call)) };
};

async function commit(
  request: Request,
  offsets: ReturnType<typeof offsetsToCommit>["offsets"],
  call: Call,
): Promise<KafkaError> {
  const { transactionalId, groupId, producerId, producerEpoch } = request;
  const { transactions, groups } = call.context;
  const by = { producerId, producerEpoch };
  const knowsAbortable = call.version >= FIRST_VERSION_WITH_ABORTABLE;
  if (call.version >= FIRST_VERSION_THAT_ADDS) {
    const added = await transactions.add(transactionalId, by, [], [groupId]);
    if (isFailure(added)) return writeErrorOf(added, knowsAbortable);
  }
  const failure = transactions.groupRefusal(transactionalId, by, groupId);
  if (failure) return writeErrorOf(failure, knowsAbortable);
  const speaker = {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generation: request.generationIdOrMemberEpoch,
  };
  try {
    return groupErrorOf(await groups.commitPending(groupId, producerId, speaker, offsets));
  } catch (error) {
    kafkaErrorOf(error);
    // Retriable, for every client: a full disk may have space again, a stopped voik may be back.
    return KafkaError.coordinatorNotAvailable;
  }
}
