/**
 * EndTxn: commits or aborts a transaction (KIP-98). Version 2 brings PRODUCER_FENCED, 3 flexible fields, 4 other error
 * codes, 5 the identity for the next transaction in the reply (KIP-890).
 */
import { bool, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "3+" };

export const EndTxnRequest = message("EndTxnRequest", ranges, {
  transactionalId: string("0+"),
  producerId: int64("0+"),
  producerEpoch: int16("0+"),
  committed: bool("0+"),
});

export const EndTxnResponse = message("EndTxnResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  producerId: int64("5+", { default: -1 }),
  producerEpoch: int16("5+", { default: -1 }),
});

export const EndTxn = { key: 26, name: "EndTxn", request: EndTxnRequest, reply: EndTxnResponse };
