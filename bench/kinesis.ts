/**
 * How does voik do beside kinesalite, the Kinesis that most people run at home? The same load on both, in turn, on one
 * machine: raw HTTP/1.1, four shards, PutRecords of 500 records of 1 KiB, read back whole through GetRecords; then the
 * same puts again, now that both have compiled their code, over few connections and over many; then single PutRecord
 * calls. voik answers when the records are on the disk; kinesalite keeps them in memory.
 *
 *   make bench-kinesis
 */
import { createStream, putBodies, putRecords, putSingles, readAll } from "./lib/kinesis-load.ts";
import { installKinesalite, type StartService, startVoik } from "./lib/kinesis-services.ts";
import { spreadOf } from "./lib/pairs.ts";

const STREAM = "bench";
const SHARDS = 4;
const RECORDS = 500;
const RECORD_BYTES = 1024;
const REQUESTS = 160;
const CONNECTIONS = 4;
const MANY_CONNECTIONS = 16;
const SINGLES_MS = 4_000;
const SINGLES_WARM_UP_MS = 2_000;
const ROUNDS = 3;

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
    const put = async (connections: number) =>
      (total / (await putRecords(url, bodies, REQUESTS, connections))) * 1000;
    const singles = (forMs: number) => putSingles(url, STREAM, RECORD_BYTES, forMs, MANY_CONNECTIONS);
    const firstInPerSecond = await put(CONNECTIONS);
    const read = await readAll(url, STREAM, SHARDS);
    if (read.records !== total) throw new Error(`${total} records were written, ${read.records} read`);
    const firstPeakBytes = service.peakBytes();
    const recordsInPerSecond = await put(CONNECTIONS);
    const manyInPerSecond = await put(MANY_CONNECTIONS);
    await singles(SINGLES_WARM_UP_MS);
    return {
      firstAnswerMs,
      firstInPerSecond,
      recordsOutPerSecond: (total / read.ms) * 1000,
      firstPeakBytes,
      recordsInPerSecond,
      manyInPerSecond,
      putRecordPerSecond: ((await singles(SINGLES_MS)) / SINGLES_MS) * 1000,
      peakBytes: service.peakBytes(),
    };
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
      `PutRecord over ${MANY_CONNECTIONS}; medians of ${ROUNDS} rounds`,
  );
  console.log("installing kinesalite");
  const kinesalite = installKinesalite();
  const bodies = putBodies(STREAM, 8, RECORDS, RECORD_BYTES);
  const figures: { voik: Figures[]; kinesalite: Figures[] } = { voik: [], kinesalite: [] };
  const services = { voik: startVoik, kinesalite: kinesalite.start };
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
}

await run();
