/**
 * How does voik do beside kinesalite, the Kinesis that most people run at home? The same load on both, in turn, on one
 * machine: raw HTTP/1.1, four shards, PutRecords of 500 records of 1 KiB, read back whole through GetRecords, by
 * processes that have served nothing before; then the same puts for some seconds each over few connections and over many,
 * now that both have compiled their code; then single PutRecord calls. voik answers when the records are on the disk;
 * kinesalite keeps them in memory. In the end what the disk itself can do, and voik where no disk holds it up.
 *
 *   make bench-kinesis
 */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { syncedBytesPerSecond } from "./lib/disk-loop.ts";
import {
  createStream,
  putBodies,
  putRecords,
  putRecordsFor,
  putSingles,
  readAll,
} from "./lib/kinesis-load.ts";
import { installKinesalite, type StartService, startVoik } from "./lib/kinesis-services.ts";
import { MEGABYTE, spreadOf } from "./lib/pairs.ts";

const STREAM = "bench";
const SHARDS = 4;
const RECORDS = 500;
const RECORD_BYTES = 1024;
const REQUESTS = 160;
const CONNECTIONS = 4;
const MANY_CONNECTIONS = 16;
const WARM_UP_MS = 2_000;
const STEADY_MS = 4_000;
const ROUNDS = 3;
const MEMORY_FOLDER = "/dev/shm";

/** What one service did in one round. */
interface Figures {
  firstAnswerMs: number;
  /** Of a process that has served nothing before. */
  firstInPerSecond: number;
  recordsOutPerSecond: number;
  /** The most that it had until here. */
  firstPeakBytes: number;
  recordsInPerSecond: number;
  manyInPerSecond: number;
  putRecordPerSecond: number;
  peakBytes: number;
}

async function measure(start: StartService, bodies: readonly string[]): Promise<Figures> {
  const service = await start();
  try {
    const { url, firstAnswerMs } = service;
    await createStream(url, STREAM, SHARDS);
    const total = REQUESTS * RECORDS;
    const firstInPerSecond = (total / (await putRecords(url, bodies, REQUESTS, CONNECTIONS))) * 1000;
    const read = await readAll(url, STREAM, SHARDS);
    if (read.records !== total) throw new Error(`${total} records were written, ${read.records} read`);
    const firstPeakBytes = service.peakBytes();
    const recordsInPerSecond = await steadyPuts(url, bodies, CONNECTIONS);
    const manyInPerSecond = await steadyPuts(url, bodies, MANY_CONNECTIONS);
    const singles = (forMs: number) => putSingles(url, STREAM, RECORD_BYTES, forMs, MANY_CONNECTIONS);
    await singles(WARM_UP_MS);
    return {
      firstAnswerMs,
      firstInPerSecond,
      recordsOutPerSecond: (total / read.ms) * 1000,
      firstPeakBytes,
      recordsInPerSecond,
      manyInPerSecond,
      putRecordPerSecond: ((await singles(STEADY_MS)) / STEADY_MS) * 1000,
      peakBytes: service.peakBytes(),
    };
  } finally {
    await service.stop();
  }
}

/** Records a second through PutRecords, once the code is compiled. */
async function steadyPuts(url: string, bodies: readonly string[], connections: number): Promise<number> {
  await putRecordsFor(url, bodies, WARM_UP_MS, connections);
  return RECORDS * (await putRecordsFor(url, bodies, STEADY_MS, connections));
}

/** As the row of many connections, with the data folder in memory: a sync costs nothing there. */
async function inMemory(bodies: readonly string[]): Promise<number> {
  const service = await startVoik(MEMORY_FOLDER);
  try {
    await createStream(service.url, STREAM, SHARDS);
    return await steadyPuts(service.url, bodies, MANY_CONNECTIONS);
  } finally {
    await service.stop();
  }
}

/** The rows of the table: what it is called, how to show it, and whether more is better. */
const ROWS: [string, (figures: Figures) => number, (value: number) => string, "more" | "less"][] = [
  ["first answer, ms", (f) => f.firstAnswerMs, (v) => v.toFixed(0), "less"],
  ["records/s in, the first ones", (f) => f.firstInPerSecond, (v) => v.toFixed(0), "more"],
  ["records/s out", (f) => f.recordsOutPerSecond, (v) => v.toFixed(0), "more"],
  ["peak memory so far, MB", (f) => f.firstPeakBytes / 1e6, (v) => v.toFixed(0), "less"],
  ["records/s in", (f) => f.recordsInPerSecond, (v) => v.toFixed(0), "more"],
  [`records/s in, ${MANY_CONNECTIONS} connections`, (f) => f.manyInPerSecond, (v) => v.toFixed(0), "more"],
  ["PutRecord/s", (f) => f.putRecordPerSecond, (v) => v.toFixed(0), "more"],
  ["peak memory, MB", (f) => f.peakBytes / 1e6, (v) => v.toFixed(0), "less"],
];

function printTable(voik: readonly Figures[], other: readonly Figures[]): void {
  const columns = ["", "voik", "kinesalite", "ratio (lowest to highest round)"];
  const lines = ROWS.map(([name, value, show, better]) => {
    const ratios = spreadOf(
      voik.map((figures, i) => {
        const ratio = value(figures) / value(other[i] as Figures);
        return better === "more" ? ratio : 1 / ratio;
      }),
    );
    const medians = [voik, other].map((all) => show(spreadOf(all.map(value)).median));
    const [low, median, high] = [ratios.low, ratios.median, ratios.high].map((ratio) => ratio.toFixed(1));
    return [name, ...medians, `${median} times ${better} (${low} to ${high})`];
  });
  console.log();
  for (const line of [columns, ...lines])
    console.log(
      line.map((cell, i) => (i === 0 ? cell.padEnd(32) : cell.padStart(i === 3 ? 36 : 12))).join(""),
    );
}

async function run(): Promise<void> {
  console.log(
    `bun ${Bun.version}, ${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`,
  );
  console.log(
    `${REQUESTS} PutRecords of ${RECORDS} x ${RECORD_BYTES} bytes, ${SHARDS} shards, ${CONNECTIONS} connections; ` +
      `then ${STEADY_MS / 1000} s each, PutRecord over ${MANY_CONNECTIONS}; medians of ${ROUNDS} rounds`,
  );
  console.log("installing kinesalite");
  const kinesalite = installKinesalite();
  const bodies = putBodies(STREAM, 8, RECORDS, RECORD_BYTES);
  const figures: { voik: Figures[]; kinesalite: Figures[] } = { voik: [], kinesalite: [] };
  const services = { voik: () => startVoik(tmpdir()), kinesalite: kinesalite.start };
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      for (const name of ["voik", "kinesalite"] as const) {
        const one = await measure(services[name], bodies);
        figures[name].push(one);
        const shown = ROWS.map(([title, value, show]) => `${show(value(one))} ${title}`).join("; ");
        console.log(`round ${round} of ${ROUNDS}, ${name}: ${shown}`);
      }
    }
  } finally {
    kinesalite.remove();
  }
  printTable(figures.voik, figures.kinesalite);
  console.log();
  for (const bytes of [1 << 20, 4 << 20])
    console.log(
      `the disk itself, ${bytes >> 20} MiB and an fdatasync at a time: ` +
        `${(syncedBytesPerSecond(bytes, WARM_UP_MS) / MEGABYTE).toFixed(0)} MB/s`,
    );
  if (!existsSync(MEMORY_FOLDER)) return;
  const perSecond = await inMemory(bodies);
  const ratio = perSecond / spreadOf(figures.kinesalite.map((f) => f.manyInPerSecond)).median;
  console.log(
    `records/s in, ${MANY_CONNECTIONS} connections, data folder in memory: ` +
      `${perSecond.toFixed(0)}, ${ratio.toFixed(1)} times kinesalite's`,
  );
}

await run();
