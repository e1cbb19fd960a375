/**
 * One client of a fuzzer: sends frames, twenty a packet, each with a Heartbeat behind it whose answer says that the frame
 * before is dealt with. When the connection is closed, the first frame without that is the one that closed it; those
 * behind it, which nobody read, go out again on the next connection. So every frame is really read.
 */
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { JoinGroup } from "../../src/kafka/messages/11-join-group.ts";
import { Heartbeat } from "../../src/kafka/messages/12-heartbeat.ts";
import { SyncGroup } from "../../src/kafka/messages/14-sync-group.ts";
import type { FuzzFrame } from "./fuzz-frames.ts";
import { FuzzLine, type FuzzLogin } from "./fuzz-line.ts";
import { frameOf } from "./kafka.ts";

const FRAMES_A_PACKET = 20;
const ANSWER_MS_MAX = 10_000;
const WAIT_MS_MAX = 500;
const LOOK_MS = 100;
/** The correlation id of the first marker. */
const MARKER_ID = 0x7a7a7000;
/** They may wait for records, or for other members, for as long as they say: the fuzzer goes away from them. */
const MAY_WAIT: ReadonlySet<number> = new Set([Fetch.key, JoinGroup.key, SyncGroup.key]);
const API_KEY_AT = 4;

const markers = Array.from({ length: FRAMES_A_PACKET }, (_, i) =>
  frameOf(Heartbeat, 0, { groupId: "nobody", generationId: 0, memberId: "" }, MARKER_ID + i),
);

export interface FuzzCounts {
  /** Frames behind which the next request was answered. */
  passed: number;
  /** Frames that ended their connection. */
  closing: number;
  /** Frames that waited, and were left. */
  left: number;
}

export interface FuzzTarget {
  port: number;
  login?: FuzzLogin;
  /** The next frame, undefined when it is enough. */
  next(): FuzzFrame | undefined;
  counts: FuzzCounts;
}

/** Sends frames until there are no more. Throws on a request that gets neither an answer nor an end. */
export async function runLane({ port, login, next, counts }: FuzzTarget): Promise<void> {
  let line: FuzzLine | undefined;
  const packet: FuzzFrame[] = [];
  for (;;) {
    for (let frame = next(); frame; frame = packet.length < FRAMES_A_PACKET ? next() : undefined)
      packet.push(frame);
    if (packet.length === 0) break;
    line ??= await FuzzLine.open(port, login);
    const passed = await send(line, packet);
    counts.passed += passed;
    packet.splice(0, passed);
    if (!line.isClosed) continue;
    if (packet.shift() !== undefined) line.hasLeft ? counts.left++ : counts.closing++;
    line = undefined;
  }
  line?.leave();
}

/** Resolves to how many frames of the packet the server went on after: all, or those before the one that closed. */
async function send(line: FuzzLine, packet: readonly FuzzFrame[]): Promise<number> {
  let passed = 0;
  let movedMs = performance.now();
  line.onReply = (reply) => {
    if (reply.readInt32BE(0) !== MARKER_ID + passed) return;
    passed++;
    movedMs = performance.now();
  };
  line.send(Buffer.concat(packet.flatMap(({ bytes }, i) => [bytes, markers[i] as Buffer])));
  while (!line.isClosed) {
    const head = packet[passed];
    if (head === undefined) break;
    const waitedMs = performance.now() - movedMs;
    if (waitedMs > WAIT_MS_MAX && mayWait(head)) line.leave();
    else if (waitedMs > ANSWER_MS_MAX)
      throw new Error(`neither answered nor closed: ${head.what}: ${head.bytes.toString("hex")}`);
    else await line.event(LOOK_MS);
  }
  return passed;
}

function mayWait({ bytes }: FuzzFrame): boolean {
  return bytes.length >= API_KEY_AT + 2 && MAY_WAIT.has(bytes.readInt16BE(API_KEY_AT));
}
