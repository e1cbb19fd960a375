/**
 * Reads the bodies of puts (put-body.ts): small ones at once, large ones in a thread of their own, so that decoding
 * megabytes of Base64 keeps nobody else waiting. The body is copied into memory that both threads share, is decoded
 * there, and goes to the log from there.
 *
 * The thread is started by the first large body, and until it runs, all are read at once; so they are where there is one
 * processor only, or no thread can be had.
 */
import { assert } from "../base/assert.ts";
import { PUT_RECORDS_MAX } from "./members.ts";
import { type PutBody, type PutOperation, scanPut } from "./put-body.ts";
import { BODY_AT, type PutReply, type PutRequest } from "./put-thread-memory.ts";
import type { RequestBody } from "./request-body.ts";
import { RecordTable } from "../streams/record-table.ts";

/** A smaller body is read sooner than it is handed over. */
const LARGE_BYTES = 64 * 1024;
/** Slots are made in multiples of this. */
const SLOT_BYTES = 512 * 1024;
/** Slots that are kept for the next body, and how large at most. */
const SLOTS_KEPT = 4;
const SLOT_KEPT_BYTES_MAX = 2 * 1024 * 1024;

/** Shared memory for one body and its table. */
interface Slot {
  id: number;
  memory: SharedArrayBuffer;
}

interface Waiting {
  resolve: (put: PutBody | undefined) => void;
  slot: Slot;
  bytes: Buffer;
}

export class PutReader {
  private state: "idle" | "starting" | "ready" | "unusable" = "idle";
  private thread: Worker | undefined;
  private readonly waiting: Waiting[] = [];
  private readonly free: Slot[] = [];
  private slotsMade = 0;

  /** `processors`: how many there are. */
  constructor(processors: number) {
    if (processors < 2) this.state = "unusable";
  }

  /** The put in `body`; undefined when the general way has to read it, which finds it as it was. */
  read(operation: PutOperation, body: RequestBody): PutBody | undefined | Promise<PutBody | undefined> {
    if (body.bytes.length >= LARGE_BYTES) {
      if (this.state === "ready") return this.readApart(operation, body);
      if (this.state === "idle") this.start();
    }
    return scanPut(operation, body.bytes);
  }

  close(): void {
    this.state = "unusable";
    this.thread?.terminate();
    this.thread = undefined;
  }

  private readApart(operation: PutOperation, body: RequestBody): Promise<PutBody | undefined> {
    const bytes = body.bytes.length;
    const slot = this.take(BODY_AT + bytes);
    const shared = Buffer.from(slot.memory, BODY_AT, bytes);
    body.bytes.copy(shared);
    body.moveTo(shared, () => this.leave(slot));
    this.send({ slot: slot.id, operation, bytes });
    return new Promise((resolve) => this.waiting.push({ resolve, slot, bytes: shared }));
  }

  private hear(message: "ready" | PutReply): void {
    if (message === "ready") {
      this.state = "ready";
      return;
    }
    const next = this.waiting.shift();
    assert(next !== undefined, "the thread answers once for each body");
    const { put } = message;
    if (put === undefined) return next.resolve(undefined);
    const { StreamName, StreamARN, count } = put;
    const records = RecordTable.shared(PUT_RECORDS_MAX, next.bytes, next.slot.memory, 0, count);
    next.resolve({ StreamName, StreamARN, records });
  }

  private start(): void {
    this.state = "starting";
    // The bundler puts every entry point beside the executable's own (deploy/build.ts), so the name is enough there.
    const thread = new Worker(new URL("./put-thread.ts", import.meta.url), { name: "puts", smol: true });
    thread.unref();
    thread.onmessage = ({ data }: MessageEvent<"ready" | PutReply>) => this.hear(data);
    const lost = (reason: string) => {
      if (this.thread !== thread) return;
      // Bodies that it has may be half decoded: nothing true can be said of them any more.
      assert(this.waiting.length === 0, `the thread that reads puts failed: ${reason}`);
      this.close();
    };
    thread.onerror = ({ message }) => lost(message);
    thread.addEventListener("close", () => lost("it has ended"));
    this.thread = thread;
  }

  private send(request: PutRequest): void {
    this.thread?.postMessage(request);
  }

  private take(bytes: number): Slot {
    const place = this.free.findIndex(({ memory }) => memory.byteLength >= bytes);
    const [found] = place < 0 ? [] : this.free.splice(place, 1);
    if (found !== undefined) return found;
    const memory = new SharedArrayBuffer(Math.ceil(bytes / SLOT_BYTES) * SLOT_BYTES);
    const slot = { id: this.slotsMade++, memory };
    this.send({ slot: slot.id, memory });
    return slot;
  }

  private leave(slot: Slot): void {
    if (this.free.length < SLOTS_KEPT && slot.memory.byteLength <= SLOT_KEPT_BYTES_MAX) this.free.push(slot);
    else this.send({ slot: slot.id, forget: true });
  }
}
