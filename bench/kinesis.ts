/**
 * How does voik do beside kinesalite, the Kinesis that most people run at home? The same load on both, in turn, on one
 * machine: raw HTTP/1.1, four shards, PutRecords of 500 records of 1 KiB, read back whole through GetRecords, then
 * single PutRecord calls. voik answers when the records are on the disk; kinesalite keeps them in memory.
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
const CONCURRENCY = 4;
const SINGLES_MS = 4_000;
const SINGLES_CONCURRENCY = 16;
const ROUNDS = 3;

/** What one service did in one round. */
interface Figures {
  recordsInPerSecond: number;
  recordsOutPerSecond: number;
  putRecordPerSecond: number;
  peakBytes: number;
  firstAnswerMs: number;
}

async function measure(start: StartService, bodies: readonly string[]): Promise<Figures> {
  const service = await start();
  try {
    const { url, firstAnswerMs } = service;
    await createStream(url, STREAM, SHARDS);
    const total = REQUESTS * RECORDS;
    const inMs = await putRecords(url, bodies, REQUESTS, CONCURRENCY);
    const read = await readAll(url, STREAM, SHARDS);
    if (read.records !== total) throw new Error(`${total} records were written, ${read.records} read`);
    const singles = await putSingles(url, STREAM, RECORD_BYTES, SINGLES_MS, SINGLES_CONCURRENCY);
    return {
      recordsInPerSecond: (total / inMs) * 1000,
      recordsOutPerSecond: (total / read.ms) * 1000,
      putRecordPerSecond: (singles / SINGLES_MS) * 1000,
      peakBytes: service.peakBytes(),
      firstAnswerMs,
    };
  } finally {
    await service.stop();
  }
}

/** The rows of the table: what it is called, how to show it, and whether more is better. */
const ROWS: [string, (figures: Figures) => number, (value: number) => string, "more" | "less"][] = [
  ["records/s in, PutRecords", (f) => f.recordsInPerSecond, (v) => v.toFixed(0), "more"],
  ["records/s out, GetRecords", (f) => f.recordsOutPerSecond, (v) => v.toFixed(0), "more"],
  ["PutRecord/s", (f) => f.putRecordPerSecond, (v) => v.toFixed(0), "more"],
  ["peak resident memory, MB", (f) => f.peakBytes / 1e6, (v) => v.toFixed(0), "less"],
  ["first answer, ms", (f) => f.firstAnswerMs, (v) => v.toFixed(0), "less"],
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
      line.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(i === 3 ? 36 : 12))).join(""),
    );
}

async function run(): Promise<void> {
  console.log(
    `bun ${Bun.version}, ${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`,
  );
  console.log(
    `${REQUESTS} PutRecords of ${RECORDS} x ${RECORD_BYTES} bytes, ${SHARDS} shards, ${CONCURRENCY} connections; ` +
      `medians of ${ROUNDS} rounds`,
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
