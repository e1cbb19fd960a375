/**
 * AddOffsetsToTxn: a transaction is about to commit offsets of a group (KIP-98). Version 2 brings PRODUCER_FENCED, 3
 * flexible fields, 4 other error codes (KIP-890).
 */
import { int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "3+" };

export const AddOffsetsToTxnRequest = message("AddOffsetsToTxnRequest", ranges, {
  transactionalId: string("0+"),
  producerId: int64("0+"),
  producerEpoch: int16("0+"),
  groupId: string("0+"),
});

export const AddOffsetsToTxnResponse = message("AddOffsetsToTxnResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
});

export const AddOffsetsToTxn = {
  key: 25,
  name: "AddOffsetsToTxn",
  request: AddOffsetsToTxnRequest,
  reply: AddOffsetsToTxnResponse,
};
