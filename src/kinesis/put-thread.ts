/**
 * The thread that reads large bodies of puts and builds their batches; put-thread-memory.ts says how it is spoken to. An
 * entry point of its own, in the executable too (deploy/build.ts).
 */
import { release } from "../base/bytes.ts";
import { hashKeys } from "../streams/hash-keys.ts";
import { Routing } from "../streams/routing.ts";
import { buildBatches } from "./put-batches.ts";
import { namedStream, scanPutTo } from "./put-body.ts";
import {
  areaOf,
  batchesIn,
  type PutReply,
  type PutRequest,
  type PutToRead,
  tableIn,
} from "./put-thread-memory.ts";

declare const self: Worker;

/** The routings of so many streams are known; of others the batches are built in vain. */
const ROUTINGS_MAX = 1_000;
/** Of a stream that is not known: everything goes one way. No stream has this number. */
const UNKNOWN = new Routing(hashKeys(1), 0);

const slots = new Map<number, SharedArrayBuffer>();
const routings = new Map<string, Routing>();

self.onmessage = ({ data }: MessageEvent<PutRequest>) => {
  if ("memory" in data) slots.set(data.slot, data.memory);
  else if ("forget" in data) slots.delete(data.slot);
  else if ("stream" in data) learn(data.stream, new Routing(data.starts, data.id));
  else answer(data);
};
self.postMessage("ready");

function learn(stream: string, routing: Routing): void {
  if (routings.size === ROUTINGS_MAX && !routings.has(stream))
    routings.delete(routings.keys().next().value as string);
  routings.set(stream, routing);
}

function answer(request: PutToRead): void {
  const { body } = request;
  const reply = read(request, slots.get(request.slot) as SharedArrayBuffer);
  if (reply === undefined) return self.postMessage({ body } satisfies PutReply, [body]);
  release(Buffer.from(body));
  self.postMessage(reply);
}

function read({ operation, body, nowMs }: PutToRead, memory: SharedArrayBuffer): PutReply | undefined {
  const records = tableIn(memory, Buffer.from(body));
  const target = scanPutTo(operation, records);
  if (target === undefined) return undefined;
  const area = areaOf(memory);
  const built = batchesIn(memory, area);
  const routing = routings.get(namedStream(target) ?? "") ?? UNKNOWN;
  if (!buildBatches(records, routing, area, built, nowMs)) return undefined;
  return { put: { ...target, count: records.count, batches: built.count, routingId: routing.id } };
}
