/**
 * How fast is the executable for Kafka clients? acks=all with every acknowledged record on the disk, 1 KB records, in
 * turn with a server that throws the bytes away, with a bare sendfile loop over the same log files and with what the disk
 * itself can do, each in a process of its own; then the way of a record from producer to consumer.
 *
 *   make bench-kafka                                 under four minutes
 *   node_modules/.bin/bun bench/kafka.ts --quick     a quarter of it
 *   node_modules/.bin/bun bench/kafka.ts --only='64 KiB,.*1 conn|end to end'
 *                                                    the rows whose names this expression fits
 *   node_modules/.bin/bun bench/kafka.ts --data-dir=/dev/shm
 *                                                    all files in this folder: in memory, where a sync costs nothing,
 *                                                    what is left is voik's own work
 */
import { parseArgs } from "node:util";
import { RECORD_BYTES } from "./lib/batches.ts";
import { startServer } from "./lib/child.ts";
import { overlappedBytesPerSecond, pacedSyncDelaysMs } from "./lib/disk-loop.ts";
import { measureEndToEnd } from "./lib/end-to-end.ts";
import { type CaseFigures, type KafkaCase, measureCase, type Rig } from "./lib/kafka-case.ts";
import { spreadOf } from "./lib/pairs.ts";

const OPTIONS = {
  quick: { type: "boolean", default: false },
  only: { type: "string", default: "" },
  "data-dir": { type: "string" },
} as const;
const { quick: QUICK, only, "data-dir": dataDir } = parseArgs({ options: OPTIONS }).values;
// Everything here makes its folders in the system's temporary one.
if (dataDir !== undefined) process.env.TMPDIR = dataDir;
const isWanted = (name: string) => new RegExp(only).test(name);
const BATCH_KIB = QUICK ? [64] : [16, 64, 1024];
const PARTITIONS = QUICK ? [1, 16] : [1, 16, 64];
const CONNECTIONS = [1, 8];
const ROUNDS = 3;
const ROUND_MS = QUICK ? 250 : 300;
/** Unsynced: as much as five requests of 64 KiB each from one and eight connections are, and as a log takes. */
const CEILINGS: [string, number][] = [
  ["0.3 MiB unsynced", 5 * (64 << 10)],
  ["2.5 MiB unsynced", 40 * (64 << 10)],
  ["8 MiB unsynced", 8 << 20],
];
const RATES = [10_000, 100_000];
const RATE_MS = QUICK ? 3_000 : 8_000;

const median = (values: readonly number[]): number => spreadOf(values).median;

/** Median of the rounds' own ratios, lowest and highest behind it. */
function ratio(a: readonly number[], b: readonly number[]): string {
  const { low, median: middle, high } = spreadOf(a.map((value, i) => value / (b[i] as number)));
  return `${middle.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}

function printRow(cells: readonly string[]): void {
  const [first = "", ...rest] = cells;
  console.log(first.padEnd(28) + rest.map((cell) => cell.padStart(20)).join(""));
}

function produceRow({ produce: { voik, sink, disk, cpu } }: CaseFigures): string[] {
  const rates = [voik, sink, disk].map((values) => median(values).toFixed(0));
  return [...rates, ratio(voik, sink), ratio(voik, disk), median(cpu).toFixed(1)];
}

function fetchRow({ fetch: { voik, file, cpu }, peakBytes }: CaseFigures): string[] {
  const rates = [voik, file].map((values) => median(values).toFixed(0));
  return [...rates, ratio(voik, file), median(cpu).toFixed(2), (peakBytes / 1e6).toFixed(0)];
}

function nameOf({ batchBytes, partitions, connections }: KafkaCase): string {
  return `${batchBytes >> 10} KiB, ${partitions} part., ${connections} conn.`;
}

async function measureCases(): Promise<[string, CaseFigures][]> {
  const sink = await startServer("null-sink");
  const rig: Rig = { sinkPort: sink.port, rounds: ROUNDS, roundMs: ROUND_MS };
  const all: KafkaCase[] = BATCH_KIB.flatMap((kib) =>
    PARTITIONS.flatMap((partitions) =>
      CONNECTIONS.map((connections) => ({ batchBytes: kib << 10, partitions, connections })),
    ),
  );
  const cases = all.filter((shape) => isWanted(nameOf(shape)));
  const rows: [string, CaseFigures][] = [];
  for (const [i, shape] of cases.entries()) {
    const name = nameOf(shape);
    const figures = await measureCase(shape, rig);
    rows.push([name, figures]);
    const { produce, fetch } = figures;
    console.error(
      `${i + 1} of ${cases.length}: ${name}: in ${median(produce.voik).toFixed(0)} MB/s, ` +
        `out ${median(fetch.voik).toFixed(0)} MB/s`,
    );
  }
  await sink.stop();
  return rows;
}

function quantiles(sorted: Float64Array): string {
  return [0.5, 0.99, 0.999]
    .map((part) => (sorted[Math.floor((sorted.length - 1) * part)] as number).toFixed(1))
    .join(" / ");
}

async function printEndToEnd(): Promise<void> {
  printRow(["end to end, records/s", "done", "p50, p99, p99.9, ms", "disk alone, ms", "peak MB"]);
  for (const rate of RATES) {
    if (!isWanted(`end to end, ${rate}`)) continue;
    const { delaysMs, recordsPerSecondDone, peakBytes } = await measureEndToEnd(rate, RATE_MS);
    const disk = pacedSyncDelaysMs(rate * (RECORD_BYTES / 1_000), RATE_MS);
    const done = recordsPerSecondDone.toFixed(0);
    const peak = (peakBytes / 1e6).toFixed(0);
    printRow([rate.toLocaleString("en"), done, quantiles(delaysMs), quantiles(disk), peak]);
  }
}

/** What no log that syncs before it acknowledges can pass here with 64 KiB batches, whatever else it does. */
async function printCeiling(): Promise<void> {
  if (!isWanted("ceiling")) return;
  for (const [what, unsyncedBytes] of CEILINGS) {
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++)
      rates.push((await overlappedBytesPerSecond(64 << 10, unsyncedBytes, 2 * ROUND_MS)) / 1e6);
    const { low, median: middle, high } = spreadOf(rates);
    const text = `${middle.toFixed(0)} MB/s (${low.toFixed(0)}-${high.toFixed(0)})`;
    console.log(`the disk, 64 KiB writes beside syncs, ${what}: ${text}`);
  }
}

const startedMs = performance.now();
console.log(
  `bun ${Bun.version}, ${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores; ` +
    `medians of ${ROUNDS} rounds, MB/s; 5 requests in flight a connection in, 2 out\n`,
);
const rows = await measureCases();
printRow(["produce, acks=all, synced", "voik", "null sink", "disk", "of sink", "of disk", "CPU s/GB"]);
for (const [name, figures] of rows) printRow([name, ...produceRow(figures)]);
console.log();
await printCeiling();
console.log();
printRow(["fetch, pieces of 1 MiB", "voik", "sendfile", "of sendfile", "CPU s/GB", "peak MB"]);
for (const [name, figures] of rows) printRow([name, ...fetchRow(figures)]);
console.log();
await printEndToEnd();
console.log(`\n${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
process.exit(0);
