/** What opening a log does after a crash: torn tails, garbage, pending segments, damage, wrong indexes. */
import { afterEach, beforeEach, expect } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { seededRandom } from "../../src/base/random.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { appendDurably, batchOf, openLog, readAll, temporaryFolder } from "../helpers/log.ts";
import { test } from "../helpers/log-io.ts";

let folder: string;
let remove: () => void;
let log: CommitLog;
/** The checkpoint from before the last of three batches, as a crash may leave it. */
let beforeLast: Buffer;

const stem = (offset: number) => `${folder}/${String(offset).padStart(20, "0")}`;
const files = (suffix: string) => readdirSync(folder).filter((name) => name.endsWith(suffix));

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});

afterEach(async () => {
  await log.close();
  remove();
});

async function threeBatches(): Promise<void> {
  log = await openLog(folder);
  await appendDurably(log, batchOf(["a", "b"]));
  await appendDurably(log, batchOf(["c"]));
  beforeLast = readFileSync(`${folder}/checkpoint`);
  await appendDurably(log, batchOf(["d", "e"]));
  await log.close();
}

test("a tail torn at every byte keeps the batches before it, and sets the rest aside", async () => {
  await threeBatches();
  const whole = readFileSync(`${stem(0)}.log`);
  const lastBytes = batchOf(["d", "e"]).length;
  const lastAt = whole.length - lastBytes;
  for (let kept = 0; kept < lastBytes; kept++) {
    writeFileSync(`${stem(0)}.log`, whole.subarray(0, lastAt + kept));
    writeFileSync(`${folder}/checkpoint`, beforeLast);
    log = await openLog(folder);
    expect(log.durableEnd).toBe(3);
    expect(readAll(log)).toEqual(["0:a", "1:b", "2:c"]);
    expect(statSync(`${stem(0)}.log`).size).toBe(lastAt);
    let tornBytes = kept; // zeros at the end may as well be space that was reserved and never written
    while (tornBytes > 0 && whole[lastAt + tornBytes - 1] === 0) tornBytes--;
    const torn = `${stem(0)}.${lastAt}.torn`;
    expect(existsSync(torn)).toBe(tornBytes > 0);
    if (tornBytes > 0) expect(readFileSync(torn)).toEqual(whole.subarray(lastAt, lastAt + tornBytes));
    rmSync(torn, { force: true });
    await log.close();
  }
});

test("zeros, random bytes and an old batch behind the end are no records, and offsets go on without a gap", async () => {
  await threeBatches();
  const whole = readFileSync(`${stem(0)}.log`);
  for (const tail of [
    Buffer.alloc(4096),
    seededRandom(7).bytes(5000),
    whole.subarray(0, 74),
    Buffer.alloc(4 << 20),
  ]) {
    writeFileSync(`${stem(0)}.log`, Buffer.concat([whole, tail]));
    log = await openLog(folder);
    expect(log.endOffset).toBe(5);
    expect(statSync(`${stem(0)}.log`).size).toBe(whole.length);
    await log.close();
  }
  log = await openLog(folder);
  expect(await appendDurably(log, batchOf(["f"]))).toBe(5);
  expect(readAll(log)).toHaveLength(6);
});

test("zeros behind the end are cut without keeping them, other bytes behind zeros are kept", async () => {
  await threeBatches();
  const whole = readFileSync(`${stem(0)}.log`);
  writeFileSync(`${stem(0)}.log`, Buffer.concat([whole, Buffer.alloc(12 << 20)]));
  await (log = await openLog(folder)).close();
  expect(files(".torn")).toEqual([]);
  expect(readFileSync(`${stem(0)}.log`)).toEqual(whole);
  const tail = Buffer.alloc(12 << 20);
  tail.write("torn", 5 << 20);
  writeFileSync(`${stem(0)}.log`, Buffer.concat([whole, tail]));
  await (log = await openLog(folder)).close();
  expect(readFileSync(`${stem(0)}.${whole.length}.torn`)).toEqual(tail.subarray(0, (5 << 20) + 4));
  expect(readFileSync(`${stem(0)}.log`)).toEqual(whole);
});

test("recovering twice equals recovering once", async () => {
  await threeBatches();
  appendFileSync(`${stem(0)}.log`, Buffer.alloc(100, 7));
  await (log = await openLog(folder)).close();
  const once = readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`).toString("hex")]);
  await (log = await openLog(folder)).close();
  expect(
    readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`).toString("hex")]),
  ).toEqual(once);
});

test("a pending segment counts as far as it follows without a gap", async () => {
  log = await openLog(folder, { segmentBytesMax: 100 });
  await appendDurably(log, batchOf(["a"]));
  const checkpoint = readFileSync(`${folder}/checkpoint`);
  for (const value of ["b", "c"]) await appendDurably(log, batchOf([value]));
  await log.close();
  writeFileSync(`${folder}/checkpoint`, checkpoint);
  renameSync(`${stem(1)}.log`, `${stem(1)}.log.pending`);
  renameSync(`${stem(2)}.log`, `${stem(2)}.log.pending`);
  log = await openLog(folder, { segmentBytesMax: 100 });
  expect(readAll(log)).toEqual(["0:a", "1:b", "2:c"]);
  expect(files(".pending")).toEqual([]);
  await log.close();

  writeFileSync(`${folder}/checkpoint`, checkpoint);
  renameSync(`${stem(1)}.log`, `${stem(1)}.log.pending`);
  renameSync(`${stem(2)}.log`, `${stem(2)}.log.pending`);
  truncateSync(`${stem(1)}.log.pending`, 70);
  log = await openLog(folder, { segmentBytesMax: 100 });
  expect(readAll(log)).toEqual(["0:a"]);
  expect(files(".torn").sort()).toEqual(["00000000000000000001.0.torn", "00000000000000000002.0.torn"]);
  expect(await appendDurably(log, batchOf(["again"]))).toBe(1);
  await log.close();
  log = await openLog(folder);
  expect(readAll(log)).toEqual(["0:a", "1:again"]);
});

test("without a checkpoint, good batches further from the end than a torn tail reaches make bad bytes damage", async () => {
  log = await openLog(folder, { segmentBytesMax: 64 << 20 });
  await appendDurably(log, batchOf(["first"]));
  const big = batchOf(["x".repeat(900_000)]);
  for (let i = 0; i < 12; i++) await appendDurably(log, Buffer.from(big));
  await log.close();
  rmSync(`${folder}/checkpoint`);
  const size = statSync(`${stem(0)}.log`).size;
  const bytes = readFileSync(`${stem(0)}.log`);
  bytes[500] = (bytes[500] as number) ^ 1;
  writeFileSync(`${stem(0)}.log`, bytes);
  log = await openLog(folder);
  expect(statSync(`${stem(0)}.log`).size).toBe(size);
  expect(() => readAll(log)).toThrow("offsets 1 to 1:");
  expect(readAll(log, 2)).toHaveLength(11);
  expect(() => log.append(batchOf(["no"]))).toThrow("damaged record batch in");
});

test("indexes that are missing, cut, swapped or lying are rebuilt, and every answer stays the same", async () => {
  const options = { segmentBytesMax: 40_000 };
  log = await openLog(folder, options);
  for (let i = 0; i < 120; i++) log.append(batchOf([`${i}`.padEnd(1_000, ".")], 1_000 + i));
  await appendDurably(log, batchOf(["end"], 5_000));
  const records = readAll(log);
  const answers = () => [0, 40, 80, 119].map((i) => log.offsetForTimestamp(1_000 + i)?.offset);
  await log.close();
  const [second] = files(".log").sort().slice(1);
  const name = `${folder}/${(second as string).slice(0, 20)}`;
  const lies = readFileSync(`${name}.index`);
  for (let at = 4; at < lies.length; at += 8) lies.writeUInt32BE(lies.readUInt32BE(at) + 3, at);
  const harms = [
    () => rmSync(`${name}.index`),
    () => rmSync(`${name}.timeindex`),
    () => truncateSync(`${name}.index`, 3),
    () => truncateSync(`${name}.timeindex`, 25),
    () => copyFileSync(`${stem(0)}.index`, `${name}.index`),
    () => copyFileSync(`${stem(0)}.timeindex`, `${name}.timeindex`),
    () => writeFileSync(`${name}.index`, lies),
    () => writeFileSync(`${name}.index`, seededRandom(3).bytes(400)),
    () => files("index").forEach((file) => rmSync(`${folder}/${file}`)),
  ];
  for (const harm of harms) {
    harm();
    log = await openLog(folder, options);
    expect(readAll(log, 0, 5_000)).toEqual(records);
    expect(readAll(log, 57, 5_000)).toEqual(records.slice(57));
    expect(answers()).toEqual([0, 40, 80, 119]);
    await log.close();
  }
});

test("strangers in the folder are left alone, and what was being deleted goes", async () => {
  await threeBatches();
  writeFileSync(`${folder}/notes.txt`, "mine");
  writeFileSync(`${stem(9)}.log.deleted`, "old");
  log = await openLog(folder);
  expect(readAll(log)).toHaveLength(5);
  expect(existsSync(`${folder}/notes.txt`)).toBe(true);
  expect(existsSync(`${stem(9)}.log.deleted`)).toBe(false);
});
