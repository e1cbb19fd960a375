/**
 * When a traced server answered: finds in what it sent to its sockets where each record was acknowledged, Produce
 * replies of Kafka and sequence numbers of Kinesis, by the line of the trace on which the sending began. From that line
 * on a client may know.
 */
import { Reader } from "../../src/kafka/codec/reader.ts";
import { FrameDecoder } from "../../src/kafka/frame.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { parseSequenceNumber } from "../../src/streams/sequence-number.ts";
import { bytesOf, momentsIn, resultOf, targetOf, type TracedCall } from "./strace-log.ts";

/** What to trace for this. */
export const ANSWER_CALLS = ["write", "writev", "sendto", "sendmsg", "sendfile"];

const CORRELATION_BYTES = 4;
const SEQUENCE_NUMBER = /"SequenceNumber":"(\d{56})"/g;

export class TracedAnswers {
  /** Per partition: offsets that were answered, as the first of a batch or as one record's, and where in the trace. */
  private readonly acked = new Map<number, Map<number, number>>();
  private readonly bases = new Map<number, number[]>();
  /** Everything else that went to Kafka clients, with its place. */
  private readonly frames: { at: number; frame: Buffer }[] = [];

  /** `topicId`: of the only topic that is written to, by Kafka or, as a stream, by Kinesis. */
  constructor(
    log: string,
    ports: { kafka: number; kinesis: number },
    private readonly topicId: string,
  ) {
    const kafka = new Map<string, FrameDecoder>();
    const kinesis = new Map<string, string>();
    for (const { at, call } of sendings(log)) {
      const socket = targetOf(call);
      const [, port = ""] = /^TCP:\[[^>]*:(\d+)->/.exec(socket) ?? [];
      if (port === String(ports.kafka)) this.takeFrames(decoderOf(kafka, socket), sentBy(call), at);
      if (port === String(ports.kinesis)) {
        const text = (kinesis.get(socket) ?? "") + sentBy(call).toString("latin1");
        kinesis.set(socket, text.slice(this.takeNumbers(text, at)));
      }
    }
    for (const [partition, offsets] of this.acked)
      this.bases.set(
        partition,
        [...offsets.keys()].sort((a, b) => a - b),
      );
  }

  /** Where the trace says that a client was told of this record; undefined when it was told before the trace. */
  ackedAt(partition: number, offset: number): number | undefined {
    const base = this.bases.get(partition)?.findLast((base) => base <= offset);
    return base === undefined ? undefined : this.acked.get(partition)?.get(base);
  }

  /** Where replies to Kafka clients begin that have `text` in them, in order; Produce replies are not looked at. */
  repliesWith(text: string): number[] {
    return this.frames.filter(({ frame }) => frame.includes(text)).map(({ at }) => at);
  }

  private takeFrames(decoder: FrameDecoder, bytes: Buffer, at: number): void {
    decoder.push(bytes);
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      const produced = this.producedIn(frame);
      if (produced) this.note(produced.index, produced.baseOffset, at);
      else this.frames.push({ at, frame });
    }
  }

  /** The partition that a Produce reply is about. Other replies begin with something else than a topic of that id. */
  private producedIn(frame: Buffer): { index: number; baseOffset: number } | undefined {
    const reader = new Reader(frame.subarray(CORRELATION_BYTES + 1)); // no tags in the header
    try {
      const { responses } = Produce.reply.read(Produce.reply.versions.max, reader);
      const [partition] = responses[0]?.partitionResponses ?? [];
      return responses[0]?.topicId === this.topicId && partition?.errorCode === 0 ? partition : undefined;
    } catch {
      return undefined;
    }
  }

  /** Returns the length of what can be forgotten. */
  private takeNumbers(text: string, at: number): number {
    let end = 0;
    for (const match of text.matchAll(SEQUENCE_NUMBER)) {
      const { shardIndex, offset } = parseSequenceNumber(match[1] as string);
      this.note(shardIndex, offset, at);
      end = match.index + match[0].length;
    }
    return end;
  }

  private note(partition: number, offset: number, at: number): void {
    let offsets = this.acked.get(partition);
    if (!offsets) this.acked.set(partition, (offsets = new Map()));
    offsets.set(offset, at);
  }
}

/** Sending calls that have ended, each with the line on which it began. */
function* sendings(log: string) {
  const begun = new Map<TracedCall, number>();
  for (const { at, call, kind } of momentsIn(log)) {
    if (!ANSWER_CALLS.includes(call.name) || !targetOf(call).startsWith("TCP")) continue;
    if (kind === "begins") begun.set(call, at);
    else yield { at: begun.get(call) ?? at, call };
  }
}

/** What sendfile sent is no answer, and only its length counts. */
function sentBy(call: TracedCall): Buffer {
  const count = Math.max(0, resultOf(call));
  return call.name === "sendfile" ? Buffer.alloc(count) : bytesOf(call).subarray(0, count);
}

function decoderOf(decoders: Map<string, FrameDecoder>, socket: string): FrameDecoder {
  let decoder = decoders.get(socket);
  if (!decoder) {
    decoder = new FrameDecoder({ frameBytesMin: CORRELATION_BYTES, frameBytesMax: 1 << 30, trusted: true });
    decoders.set(socket, decoder);
  }
  return decoder;
}
