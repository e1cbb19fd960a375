/** DescribeProducers: the idempotent producers of partitions, and what they have open (KIP-664). */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "0+" };

export const DescribeProducersRequest = message("DescribeProducersRequest", ranges, {
  topics: array("0+", { name: string("0+"), partitionIndexes: array("0+", int32()) }),
});

export const DescribeProducersResponse = message("DescribeProducersResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  topics: array("0+", {
    name: string("0+"),
    partitions: array("0+", {
      partitionIndex: int32("0+"),
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+", default: null }),
      activeProducers: array("0+", {
        producerId: int64("0+"),
        producerEpoch: int32("0+"),
        lastSequence: int32("0+", { default: -1 }),
        lastTimestamp: int64("0+", { default: -1 }),
        coordinatorEpoch: int32("0+"),
        currentTxnStartOffset: int64("0+", { default: -1 }),
      }),
    }),
  }),
});

export const DescribeProducers = {
  key: 61,
  name: "DescribeProducers",
  request: DescribeProducersRequest,
  reply: DescribeProducersResponse,
};
