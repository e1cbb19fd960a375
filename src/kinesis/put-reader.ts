/**
 * Reads the bodies of puts (put-body.ts): small ones at once, large ones in a thread of their own, so that decoding
 * megabytes of Base64 keeps nobody else waiting. The body is copied into a slot, memory that both threads share, is
 * decoded there, and goes to the log from there. There are few slots, taken in turn: they stay in the processor's cache,
 * and a body waits where it is until one is free.
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
/** One that the thread reads, one that it reads next, one whose records go to the log, and one to spare. */
const SLOTS = 4;
/** The memory of a larger one is not kept for the next body. */
const SLOT_KEPT_BYTES_MAX = 2 * 1024 * 1024;

const NO_MEMORY = new SharedArrayBuffer(0);

/** Shared memory for one body and its table. */
interface Slot {
  id: number;
  memory: SharedArrayBuffer;
}

/** A body for which there is no slot yet. */
interface Waiting {
  operation: PutOperation;
  body: RequestBody;
  resolve: (put: PutBody | undefined) => void;
}

/** A body that the thread has. */
interface Sent {
  slot: Slot;
  bytes: Buffer;
  resolve: (put: PutBody | undefined) => void;
}

export class PutReader {
  private state: "idle" | "starting" | "ready" | "unusable" = "idle";
  private thread: Worker | undefined;
  /** In the order in which they came. */
  private readonly waiting: Waiting[] = [];
  private readonly sent: Sent[] = [];
  private readonly free: Slot[] = Array.from({ length: SLOTS }, (_, id) => ({ id, memory: NO_MEMORY }));

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
    for (const { operation, body, resolve } of this.waiting.splice(0))
      resolve(scanPut(operation, body.bytes));
  }

  private readApart(operation: PutOperation, body: RequestBody): Promise<PutBody | undefined> {
    return new Promise((resolve) => {
      this.waiting.push({ operation, body, resolve });
      this.sendNext();
    });
  }

  /** Hands bodies over while there are slots. */
  private sendNext(): void {
    while (this.waiting.length > 0 && this.free.length > 0) {
      const { operation, body, resolve } = this.waiting.shift() as Waiting;
      const bytes = body.bytes.length;
      const slot = this.free.pop() as Slot;
      this.makeRoom(slot, BODY_AT + bytes);
      const shared = Buffer.from(slot.memory, BODY_AT, bytes);
      body.bytes.copy(shared);
      body.moveTo(shared, () => this.leave(slot));
      this.send({ slot: slot.id, operation, bytes });
      this.sent.push({ slot, bytes: shared, resolve });
    }
  }

  private hear(message: "ready" | PutReply): void {
    if (message === "ready") {
      this.state = "ready";
      return;
    }
    const next = this.sent.shift();
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
      assert(this.sent.length === 0, `the thread that reads puts failed: ${reason}`);
      this.close();
    };
    thread.onerror = ({ message }) => lost(message);
    thread.addEventListener("close", () => lost("it has ended"));
    this.thread = thread;
  }

  private send(request: PutRequest): void {
    this.thread?.postMessage(request);
  }

  private makeRoom(slot: Slot, bytes: number): void {
    if (slot.memory.byteLength >= bytes) return;
    slot.memory = new SharedArrayBuffer(Math.ceil(bytes / SLOT_BYTES) * SLOT_BYTES);
    this.send({ slot: slot.id, memory: slot.memory });
  }

  private leave(slot: Slot): void {
    if (slot.memory.byteLength > SLOT_KEPT_BYTES_MAX) {
      slot.memory = NO_MEMORY;
      this.send({ slot: slot.id, forget: true });
    }
    this.free.push(slot);
    this.sendNext();
  }
}
