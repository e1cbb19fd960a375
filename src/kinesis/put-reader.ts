/**
 * Reads the bodies of puts (put-body.ts): small ones at once, large ones in a thread of their own, so that decoding
 * megabytes of Base64 keeps nobody else waiting. The body is handed over; its records are decoded into a slot, memory that
 * both threads share, as the batches that go to the log from there. There are few slots, taken in turn: they stay in the
 * processor's cache, and a body waits until one is free.
 *
 * Which shard a record goes to the thread knows from what it was told after an earlier put to the stream. When that is out
 * of date the records are good all the same, and their batches are built again.
 *
 * The thread is started by the first large body, and until it runs, all are read at once; so they are where there is one
 * processor only, or no thread can be had.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Routing } from "../streams/routing.ts";
import { namedStream, type PutBody, type PutOperation, scanPut } from "./put-body.ts";
import {
  areaOf,
  batchesIn,
  type PutReply,
  type PutRequest,
  slotBytes,
  tableIn,
} from "./put-thread-memory.ts";
import type { RequestBody } from "./request-body.ts";

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
  body: RequestBody;
  resolve: (put: PutBody | undefined) => void;
}

export class PutReader {
  private state: "idle" | "starting" | "ready" | "unusable" = "idle";
  private thread: Worker | undefined;
  /** In the order in which they came. */
  private readonly waiting: Waiting[] = [];
  private readonly sent: Sent[] = [];
  private readonly free: Slot[] = Array.from({ length: SLOTS }, (_, id) => ({ id, memory: NO_MEMORY }));

  /**
   * `processors`: how many there are. `routingOf`: how a stream routes hash keys; undefined when there is none of that name,
   * or they say nothing there.
   */
  constructor(
    processors: number,
    private readonly clock: Pick<Clock, "nowMs">,
    private readonly routingOf: (stream: string) => Routing | undefined,
  ) {
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
      const slot = this.free.pop() as Slot;
      this.makeRoom(slot, slotBytes(body.bytes.length));
      const bytes = body.handOver();
      this.send({ slot: slot.id, operation, body: bytes, nowMs: this.clock.nowMs() }, [bytes]);
      this.sent.push({ slot, body, resolve });
    }
  }

  private hear(message: "ready" | PutReply): void {
    if (message === "ready") {
      this.state = "ready";
      return;
    }
    const next = this.sent.shift();
    assert(next !== undefined, "the thread answers once for each body");
    const { slot, body, resolve } = next;
    if ("body" in message) {
      body.takeBack(message.body);
      this.leave(slot);
      return resolve(undefined);
    }
    const { StreamName, StreamARN, count, batches, routingId } = message.put;
    const area = areaOf(slot.memory);
    const records = tableIn(slot.memory, area, count);
    records.built = batchesIn(slot.memory, area);
    records.built.count = batches;
    records.built.routingId = routingId;
    body.moveTo(area, () => this.leave(slot));
    this.teach(namedStream(message.put), routingId);
    resolve({ StreamName, StreamARN, records });
  }

  /** Tells the thread how `stream` routes hash keys, when it went by something else. */
  private teach(stream: string | undefined, routingId: number): void {
    const routing = stream === undefined ? undefined : this.routingOf(stream);
    if (stream === undefined || routing === undefined || routing.id === routingId) return;
    this.send({ stream, starts: routing.starts, id: routing.id });
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

  private send(request: PutRequest, handedOver: ArrayBuffer[] = []): void {
    this.thread?.postMessage(request, handedOver);
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
