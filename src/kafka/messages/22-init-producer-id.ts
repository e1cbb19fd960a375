/**
 * InitProducerId: a producer id for an idempotent producer (KIP-98). Version 2 brings flexible fields, 3 the id that the
 * producer has (KIP-360), 4 and 5 other error codes.
 */
import { int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "2+" };

export const InitProducerIdRequest = message("InitProducerIdRequest", ranges, {
  transactionalId: string("0+", { nullable: "0+" }),
  transactionTimeoutMs: int32("0+"),
  producerId: int64("3+", { default: -1 }),
  producerEpoch: int16("3+", { default: -1 }),
});

export const InitProducerIdResponse = message("InitProducerIdResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  producerId: int64("0+", { default: -1 }),
  producerEpoch: int16("0+"),
});

export const InitProducerId = {
  key: 22,
  name: "InitProducerId",
  request: InitProducerIdRequest,
  reply: InitProducerIdResponse,
};
