/** Ready-made request frames, size and all, for the load generator: Kafka's, and those of the bare file server. */
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import type { InputOf, Message } from "../../src/kafka/codec/message.ts";
import type { Fields } from "../../src/kafka/codec/fields.ts";
import { Writer } from "../../src/kafka/codec/writer.ts";
import { ProduceRequest } from "../../src/kafka/messages/00-produce.ts";
import { FetchRequest } from "../../src/kafka/messages/01-fetch.ts";

/** The last versions that name topics by their name. */
export const PRODUCE_VERSION = 9;
export const FETCH_VERSION = 12;

export function requestFrame<F extends Fields>(
  apiKey: number,
  version: number,
  message: Message<F>,
  body: InputOf<Message<F>>,
): Buffer {
  const writer = new Writer(1 << 16);
  writer.int32(0);
  writeRequestHeader(writer, apiKey, version, 7, "bench", message.isFlexible(version));
  message.write(version, writer, body);
  const frame = Buffer.from(writer.bytes.subarray(0, writer.at));
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}

/** Produce with acks=all of one batch. */
export function produceFrame(topic: string, index: number, batch: Buffer): Buffer {
  return requestFrame(0, PRODUCE_VERSION, ProduceRequest, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index, records: batch }] }],
  });
}

/** Fetch of up to `bytes` from `fetchOffset` of one partition, which waits for the first record for half a second. */
export function fetchBody(topic: string, partition: number, fetchOffset: number, bytes: number) {
  return {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: bytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: bytes }] }],
    forgottenTopicsData: [],
  };
}

export function fetchFrame(topic: string, partition: number, fetchOffset: number, bytes: number): Buffer {
  return requestFrame(1, FETCH_VERSION, FetchRequest, fetchBody(topic, partition, fetchOffset, bytes));
}

/** What the role `file` of bench/server.ts is asked: file u32, position u32, bytes u32. */
export function fileFrame(file: number, position: number, bytes: number): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeUInt32BE(file, 0);
  frame.writeUInt32BE(position, 4);
  frame.writeUInt32BE(bytes, 8);
  return frame;
}
