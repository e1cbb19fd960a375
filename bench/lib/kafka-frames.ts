/** Ready-made Kafka request frames, size and all, for the load generator. */
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import type { InputOf, Message } from "../../src/kafka/codec/message.ts";
import type { Fields } from "../../src/kafka/codec/fields.ts";
import { Writer } from "../../src/kafka/codec/writer.ts";

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
