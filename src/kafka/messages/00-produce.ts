/**
 * Produce: writes record batches to partitions. Version 3 brings record format 2, 7 zstd, 8 error messages,
 * 9 flexible fields, 10 the leader's address in errors (KIP-951), 11 and 12 transaction semantics (KIP-890), 13 topic
 * ids instead of names (KIP-516).
 */
import { array, int16, int32, int64, records, string, struct, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "3-13", flexible: "9+" };

export const ProduceRequest = message("ProduceRequest", ranges, {
  transactionalId: string("3+", { nullable: "3+", default: null }),
  acks: int16("0+"),
  timeoutMs: int32("0+"),
  topicData: array("0+", {
    name: string("0-12", { default: "" }),
    topicId: uuid("13+", { default: "0".repeat(32) }),
    partitionData: array("0+", {
      index: int32("0+"),
      records: records("0+", { nullable: "0+" }),
    }),
  }),
});

export const ProduceResponse = message("ProduceResponse", ranges, {
  responses: array("0+", {
    name: string("0-12"),
    topicId: uuid("13+"),
    partitionResponses: array("0+", {
      index: int32("0+"),
      errorCode: int16("0+"),
      baseOffset: int64("0+"),
      logAppendTimeMs: int64("2+", { default: -1 }),
      logStartOffset: int64("5+", { default: -1 }),
      recordErrors: array("8+", {
        batchIndex: int32("8+"),
        batchIndexErrorMessage: string("8+", { nullable: "8+", default: null }),
      }),
      errorMessage: string("8+", { nullable: "8+", default: null }),
      currentLeader: struct(
        "10+",
        { leaderId: int32("10+", { default: -1 }), leaderEpoch: int32("10+", { default: -1 }) },
        { tag: 0 },
      ),
    }),
  }),
  throttleTimeMs: int32("1+", { default: 0 }),
  nodeEndpoints: array(
    "10+",
    {
      nodeId: int32("10+"),
      host: string("10+"),
      port: int32("10+"),
      rack: string("10+", { nullable: "10+", default: null }),
    },
    { tag: 0 },
  ),
});

export const Produce = { key: 0, name: "Produce", request: ProduceRequest, reply: ProduceResponse };
