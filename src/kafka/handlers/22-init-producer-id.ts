/**
 * InitProducerId: without a transactional id, a new producer id at epoch 0 for everyone who asks, whatever it had before
 * (KIP-360 lets a producer go on under a new id). With one, the id's next epoch: whoever had it before is fenced, and
 * what that has left open is aborted by the time of the answer.
 */
import { isFailure } from "../../transactions/transactions.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../messages/22-init-producer-id.ts";
import { transactionErrorOf } from "../transaction-errors.ts";

type Request = BodyOf<typeof InitProducerIdRequest>;
type Reply = InputOf<typeof InitProducerIdResponse>;

const FIRST_VERSION_WITH_FENCED = 4;

const refuse = (errorCode: KafkaError): Reply => ({ errorCode, producerId: -1, producerEpoch: -1 });

export const initProducerIdHandler: Handler<Request, Reply> = (request, call) => {
  const { transactionalId } = request;
  if (transactionalId !== null) return initTransactional(transactionalId, request, call);
  try {
    const producerId = call.context.broker.newProducerId();
    return { errorCode: KafkaError.none, producerId, producerEpoch: 0 };
  } catch (error) {
    kafkaErrorOf(error);
    // Retriable, for every client: a full disk may have space again, a stopped voik may be back.
    return refuse(KafkaError.coordinatorNotAvailable);
  }
};

async function initTransactional(id: string, request: Request, call: Call): Promise<Reply> {
  const { producerId = -1, producerEpoch = -1, transactionTimeoutMs } = request;
  const known = producerId >= 0 && producerEpoch >= 0 ? { producerId, producerEpoch } : undefined;
  const result = await call.context.transactions.init(id, known, transactionTimeoutMs);
  if (isFailure(result)) return refuse(transactionErrorOf(result, call.version >= FIRST_VERSION_WITH_FENCED));
  return { errorCode: KafkaError.none, ...result };
}
