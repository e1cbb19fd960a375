/**
 * InitProducerId: a new id at epoch 0 for every idempotent producer that asks, whatever it had before (KIP-360 lets a
 * producer go on under a new id). Transactions are refused.
 */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../messages/22-init-producer-id.ts";

type Reply = InputOf<typeof InitProducerIdResponse>;

const refuse = (errorCode: KafkaError): Reply => ({ errorCode, producerId: -1, producerEpoch: -1 });

export const initProducerIdHandler: Handler<BodyOf<typeof InitProducerIdRequest>, Reply> = (
  { transactionalId },
  call,
) => {
  if (transactionalId !== null) return refuse(KafkaError.invalidRequest);
  try {
    const producerId = call.context.broker.newProducerId();
    return { errorCode: KafkaError.none, producerId, producerEpoch: 0 };
  } catch (error) {
    kafkaErrorOf(error);
    // Retriable, for every client: a full disk may have space again, a stopped voik may be back.
    return refuse(KafkaError.coordinatorNotAvailable);
  }
};
