/**
 * Retention through the Kinesis API over real files: what Increase- and DecreaseStreamRetentionPeriod say is what
 * stays on the disk and what readers get, on clocks that the test moves (docs/decisions/0090).
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskBroker, openDiskBroker } from "../helpers/disk-broker.ts";
import { TimerClock } from "../helpers/timer-clock.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const StreamName = "s";
const RECORDS = 40;

let dataDir: string;
/** By how much somebody has set the wall clock. */
let stepMs: number;
let clock: TimerClock;
let disk: DiskBroker;
let harness: KinesisHarness;

async function start(): Promise<void> {
  disk = await openDiskBroker({ dataDir, clock, segmentBytesMax: 64 << 10 });
  harness = await KinesisHarness.start({ broker: disk.broker, clock });
}

async function stop(): Promise<void> {
  await harness.stop();
  await disk.close();
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "voik-kinesis-retention-"));
  stepMs = 0;
  const startMs = Date.UTC(2026, 10, 23, 8);
  clock = new TimerClock({ nowMs: () => startMs + stepMs, monotonicMs: () => startMs });
  await start();
  await harness.ok("CreateStream", { StreamName, ShardCount: 1 });
});
afterEach(async () => {
  await stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Base offsets of the segments on the disk. */
function segments(): number[] {
  const files = readdirSync(dataDir, { recursive: true }) as string[];
  const logs = files.filter((file) => file.endsWith(".log") && file.startsWith("streams/"));
  return logs.map((file) => Number(/(\d{20})\.log$/.exec(file)?.[1])).sort((a, b) => a - b);
}

/** Puts records of 4 KiB, ten of which fill a segment, keyed by `round`; the number of the first. */
async function put(round: string): Promise<string> {
  let first: string | undefined;
  for (let i = 0; i < RECORDS; i += 10) {
    const Records = Array.from({ length: 10 }, (_, at) => ({
      PartitionKey: `${round}${i + at}`,
      Data: Buffer.alloc(4096, round).toString("base64"),
    }));
    const { Records: results } = await harness.ok("PutRecords", { StreamName, Records });
    first ??= String(results?.[0]?.["SequenceNumber"]);
  }
  return String(first);
}

/** Partition keys from an iterator on. */
async function keys(iterator: string): Promise<string[]> {
  const { Records } = await harness.ok("GetRecords", { ShardIterator: iterator });
  return (Records as unknown as { PartitionKey: string }[]).map(({ PartitionKey }) => PartitionKey);
}

const horizon = () => harness.iterator(StreamName, "TRIM_HORIZON");

/** Lets minutes pass, each with its sweep, and what the sweep began comes to its end. */
async function minutes(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.pass(MINUTE_MS);
    // A deletion is a rename, a sync of the folder and an unlink; it is over when no .deleted file is left.
    do await new Promise(setImmediate);
    while ((readdirSync(dataDir, { recursive: true }) as string[]).some((file) => file.endsWith(".deleted")));
  }
}

const setHours = (operation: string, RetentionPeriodHours: number) =>
  harness.ok(`${operation}StreamRetentionPeriod`, { StreamName, RetentionPeriodHours });

const all = (round: string) => Array.from({ length: RECORDS }, (_, i) => `${round}${i}`);

test("a longer retention keeps what the shorter one unlinks, and readers go on at what is left", async () => {
  const first = await put("a");
  clock.pass(20 * HOUR_MS);
  await put("b");
  await setHours("Increase", 48);
  clock.pass(10 * HOUR_MS); // "a" is 30 hours old, "b" 10
  await minutes(15);
  expect(await keys(await horizon())).toEqual([...all("a"), ...all("b")]);
  const before = segments();
  expect(before[0]).toBe(0);

  await setHours("Decrease", 24);
  const old = await horizon();
  await minutes(30);
  const after = segments();
  expect(after[0]).toBe(RECORDS);
  const left = await keys(await horizon());
  expect(left).toEqual(all("b"));
  // An iterator, a sequence number and a time from before it all lead to the oldest record that is left.
  const positions = [
    ["AT_SEQUENCE_NUMBER", { StartingSequenceNumber: first }],
    ["AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: first }],
    ["AT_TIMESTAMP", { Timestamp: (clock.nowMs() - 30 * HOUR_MS) / 1000 }],
  ] as const;
  for (const [type, more] of positions)
    expect(await keys(await harness.iterator(StreamName, type, more))).toEqual(left);
  const expired = await harness.call("GetRecords", { ShardIterator: old });
  expect([expired.status, expired.body["__type"]]).toEqual([400, "ExpiredIteratorException"] as never[]);

  await stop();
  await start();
  expect([segments(), await keys(await horizon())]).toEqual([after, left]);
});

test("an iterator that is still good goes on behind what was unlinked under it", async () => {
  await put("a");
  clock.pass(24 * HOUR_MS - MINUTE_MS);
  await put("b");
  const iterator = await horizon();
  expect(await keys(iterator)).toEqual([...all("a"), ...all("b")]);
  await minutes(4);
  const left = await keys(iterator);
  expect(left.length).toBeLessThan(2 * RECORDS);
  expect(left.slice(-RECORDS)).toEqual(all("b"));
});

test("a clock set ten years ahead and back again within ten minutes unlinks nothing", async () => {
  await put("a");
  await minutes(15);
  const before = segments();
  stepMs = 10 * 365 * 24 * HOUR_MS;
  await minutes(10);
  expect(segments()).toEqual(expect.arrayContaining(before));
  stepMs = 0;
  await minutes(30);
  expect(segments()).toEqual(expect.arrayContaining(before));
  expect(await keys(await horizon())).toEqual(all("a"));
});

test("a clock that stays ahead is believed after ten minutes, a segment a minute", async () => {
  await put("a");
  await minutes(15);
  const before = segments();
  const left = () => before.filter((base) => segments().includes(base)).length;
  stepMs = 48 * HOUR_MS;
  await minutes(10);
  expect(left()).toBe(before.length);
  await minutes(1);
  expect(left()).toBe(before.length - 1);
  await minutes(1);
  expect(left()).toBe(before.length - 2);
});
