/**
 * One step of the growth benchmark, in a process of its own, so that memory and descriptors are those of voik alone:
 * `growth-probe <step> <folder> <shards> <segments of a shard> [<folder>]`. Prints a line of JSON.
 *
 *   fill      makes the data folder, without syncing, and stops cleanly
 *   measure   opens it, measures, stops cleanly; appends in turn with those to the last folder, of one shard
 *   kill      opens it, appends to every shard and is gone before the sync, by its own kill -9
 */
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { descriptorLimit } from "../../src/base/descriptor-limit.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { seededRandom, systemRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { openVolume } from "../../src/base/volume.ts";
import { LogStore } from "../../src/log/log-store.ts";
import type { ShardLog } from "../../src/log/shard-log.ts";
import { warmFilesMax } from "../../src/base/warm-files.ts";
import { StreamBroker } from "../../src/streams/stream-broker.ts";
import { diskWithoutSync } from "./no-sync.ts";

/** What one `measure` prints. Times of one call are medians. */
export interface GrowthFigures {
  openMs: number;
  residentMb: number;
  descriptors: number;
  /** One append of 1 KiB until it is written, without a roll: one of a hundred to a shard, then a hundred to the next. */
  appendUs: number;
  /** The same over an append to the one shard of the other folder: median of pairs, measured in turn. */
  appendRatio: number;
  /** One of a hundred appends, each to the next shard. */
  spreadAppendUs: number;
  /** Starting a new segment, with the append that did it. */
  rollUs: number;
  /** `locate` at a random offset; of few offsets again and again, or anywhere. */
  warmLookupUs: number;
  coldLookupUs: number;
  /** The first look-up by time since the start, and one of those that follow. */
  firstTimeLookupUs: number;
  timeLookupUs: number;
}

const BATCH_BYTES = 1 << 10;
const BATCHES_OF_SEGMENT = 16;
const SEGMENT_BYTES = BATCH_BYTES * BATCHES_OF_SEGMENT;
const NO_ROLL = 1 << 30;
const STREAM = "growth";
const APPENDS_OF_PIECE = 100;
const WARM_UP_PIECES = 100;
const PIECES = 400;
const ROLLS = 300;
const LOOKUPS = 2_000;
const WARM_OFFSETS = 16;
/** As voik.ts has it. */
const FILES_MAX = warmFilesMax(descriptorLimit());
const FIRST_MS = 1_700_000_000_000;

/** A disk without any sync, of folders neither. */
const noSync = { ...diskWithoutSync, syncFolder: () => Promise.resolve() };

async function openBroker(folder: string, fileSystem: typeof disk, segmentBytesMax: number) {
  const parts = { fileSystem, clock: systemClock, logger: silentLogger };
  const logs = new LogStore({
    ...parts,
    segmentBytesMax,
    retentionBytes: Infinity,
    warmFilesMax: FILES_MAX,
    sync: fileSystem === disk ? { volume: openVolume(folder, console.error) } : undefined,
    onSyncFailure(error) {
      throw error;
    },
  });
  const broker = await StreamBroker.open({
    ...parts,
    dataDir: folder,
    openLog: logs.open,
    random: systemRandom,
    retentionMsDefault: 365 * 86_400_000,
    shardCountMax: 100_000,
    openingMax: FILES_MAX,
  });
  return broker;
}

function logsOf(broker: StreamBroker): ShardLog[] {
  return broker.streamByName(STREAM)?.shards.map((shard) => shard.log) ?? [];
}

const nextTurn = () => new Promise(setImmediate);

const value = systemRandom.bytes(BATCH_BYTES - 80);

/** A batch of one record, a millisecond newer than the one before it. */
function batchAt(offset: number): Buffer {
  const builder = new BatchBuilder(BATCH_BYTES);
  builder.add(null, value, FIRST_MS + offset);
  return builder.build();
}

/** Appends to each log in turn, `count` times. */
async function appendTo(logs: readonly ShardLog[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const log of logs) log.append(batchAt(log.endOffset));
    if (i % BATCHES_OF_SEGMENT === 0) await nextTurn();
  }
  while (logs.some((log) => log.unsyncedBytes > 0)) await nextTurn();
}

async function fill(folder: string, shards: number, segments: number): Promise<void> {
  const broker = await openBroker(folder, noSync, SEGMENT_BYTES);
  await broker.createStream({ name: STREAM, shardCount: shards });
  await appendTo(logsOf(broker), segments * BATCHES_OF_SEGMENT);
  await broker.close();
}

async function kill(folder: string): Promise<void> {
  const broker = await openBroker(folder, noSync, NO_ROLL);
  for (const log of logsOf(broker)) log.append(batchAt(log.endOffset));
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] as number;
}

/** Median microseconds of `count` calls. */
function timed(count: number, call: (i: number) => void): number {
  const times = Array.from({ length: count }, (_, i) => {
    const start = performance.now();
    call(i);
    return (performance.now() - start) * 1_000;
  });
  return median(times);
}

/** Microseconds of each of APPENDS_OF_PIECE appends to `logs` in turn, all of them written when it ends. */
async function appendPiece(logs: readonly ShardLog[], batch: Buffer): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < APPENDS_OF_PIECE; i++) (logs[i % logs.length] as ShardLog).append(batch);
  while (logs.some((log) => log.unsyncedBytes > 0)) await nextTurn();
  return ((performance.now() - start) / APPENDS_OF_PIECE) * 1_000;
}

/** In turn with `one`, so that what the machine and the compiler do meanwhile hits both alike. */
async function appendCost(logs: readonly ShardLog[], one: readonly ShardLog[]) {
  const batch = batchAt(0);
  const pieces: number[] = [];
  const ratios: number[] = [];
  const spread: number[] = [];
  for (let piece = 0; piece < WARM_UP_PIECES + PIECES; piece++) {
    const at = piece % logs.length;
    const measured = () => appendPiece(logs.slice(at, at + 1), batch);
    const other = () => appendPiece(one, batch);
    // Who comes first changes, lest one always finds the caches of the other.
    const [us, oneUs] =
      piece % 2 ? [await measured(), await other()] : [await other(), await measured()].reverse();
    const spreadUs = await appendPiece(logs.slice(at).concat(logs.slice(0, at)), batch);
    if (piece < WARM_UP_PIECES) continue;
    pieces.push(us as number);
    ratios.push((us as number) / (oneUs as number));
    spread.push(spreadUs);
  }
  return { appendUs: median(pieces), appendRatio: median(ratios), spreadAppendUs: median(spread) };
}

function lookup(log: ShardLog, offset: number): void {
  log.locate(offset, 1)?.release();
}

async function rollCost(folder: string, batch: Buffer): Promise<number> {
  const broker = await openBroker(folder, noSync, 1);
  const [log] = logsOf(broker) as [ShardLog];
  const times: number[] = [];
  for (let i = 0; i < ROLLS; i++) {
    const start = performance.now();
    log.append(batch);
    times.push((performance.now() - start) * 1_000);
    while (log.unsyncedBytes > 0) await nextTurn();
  }
  await broker.close();
  return median(times);
}

async function measure(folder: string, folderOfOne: string): Promise<GrowthFigures> {
  const start = performance.now();
  const broker = await openBroker(folder, disk, NO_ROLL);
  const openMs = performance.now() - start;
  Bun.gc(true);
  const residentMb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
  const descriptors = readdirSync("/proc/self/fd").length;
  const random = seededRandom(1);
  const logs = logsOf(broker);
  const at = (i: number) => logs[i % logs.length] as ShardLog;
  const offsets = Array.from({ length: LOOKUPS }, (_, i) => random.uint32() % at(i).durableEnd);
  const time = (i: number) => at(i).offsetForTimestamp(FIRST_MS + (offsets[i] as number));
  const coldLookupUs = timed(LOOKUPS, (i) => lookup(at(i), offsets[i] as number));
  const warmLookupUs = timed(LOOKUPS, (i) =>
    lookup(at(i % WARM_OFFSETS), offsets[i % WARM_OFFSETS] as number),
  );
  const firstTimeLookupUs = timed(1, () => time(0));
  const timeLookupUs = timed(LOOKUPS, (i) => time(i % WARM_OFFSETS));
  await broker.close();
  const appending = await openBroker(folder, noSync, NO_ROLL);
  const one = await openBroker(folderOfOne, noSync, NO_ROLL);
  const appends = await appendCost(logsOf(appending), logsOf(one));
  await appending.close();
  await one.close();
  const rollUs = await rollCost(folder, batchAt(0));
  const lookups = { warmLookupUs, coldLookupUs, firstTimeLookupUs, timeLookupUs };
  return { openMs, residentMb, descriptors, ...appends, rollUs, ...lookups };
}

/** A part of bench/main.ts: `args` is the step, then what is said above. */
export async function run(args: readonly string[]): Promise<void> {
  const [step, folder = "", shards, segments, folderOfOne = ""] = args;
  if (step === "fill") await fill(folder, Number(shards), Number(segments));
  if (step === "kill") await kill(folder);
  console.log(JSON.stringify(step === "measure" ? await measure(folder, folderOfOne) : {}));
}
