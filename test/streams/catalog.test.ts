/** The catalog's file: what it refuses to be opened over, and what it keeps. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disk } from "../../src/base/disk.ts";
import { VoikError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Catalog, type ShardRow, type StreamRow } from "../../src/streams/catalog.ts";
import { APPLICATION_ID, SCHEMA_STEPS } from "../../src/streams/catalog-schema.ts";
import { CatalogSeal } from "../../src/streams/catalog-seal.ts";
import { planReshard } from "../../src/streams/reshard.ts";
import { uniformRanges } from "../../src/streams/hash-range.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voik-catalog-"));
  path = join(folder, "voik.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(streamsExist = false): Catalog {
  return Catalog.open({ path, fileSystem: disk, random: seededRandom(1), streamsExist });
}

function refusal(streamsExist = false): [string, string] {
  try {
    open(streamsExist).streams();
  } catch (error) {
    if (error instanceof VoikError) return [error.code, error.message];
    throw error;
  }
  throw new Error("was not refused");
}

function row(name: string, shardCount: number): StreamRow {
  const shards: ShardRow[] = uniformRanges(shardCount).map((range, index) => ({
    index,
    range,
    createdAtMs: 1_700_000_000_123 + index,
    closedAtMs: undefined,
    parents: [],
  }));
  const id = Bun.MD5.hash(name, "hex");
  const durability = shardCount === 1 ? "os" : "sync";
  return {
    id,
    name,
    state: "active",
    createdAtMs: 1_700_000_000_000,
    retentionMs: 86_400_000,
    durability,
    settings: { segmentBytes: 65_536, timestamps: "arrival" },
    attributes: new Map([["a", "1"]]),
    shards,
  };
}

/** Changes the file as a voik would that keeps its checksums, and knows other rows than this one. */
function changeAndSeal(sql: string): void {
  const database = new Database(path);
  database.run(sql);
  new CatalogSeal(database).renewAll();
  database.close();
  rmSync(`${path}-seal`);
}

/** A file with a few hundred streams, so that it has many pages. */
function fill(): void {
  const catalog = open();
  for (let i = 0; i < 50; i++) catalog.addStream(row(`stream-${i}`, 3));
  catalog.close();
}

test("rows come back as they were written", () => {
  const catalog = open();
  const rows = [row("a", 3), row("b", 1)];
  for (const each of rows) catalog.addStream(each);
  catalog.close();
  const again = open(true);
  expect(again.streams()).toEqual(rows);
  expect(again.clusterId).toBe(catalog.clusterId);
  again.removeStream(rows[0]?.id as string);
  expect(again.streams()).toEqual(rows.slice(1));
  again.close();
});

test("a catalog of the first format gets what it lacks, once, and keeps what is in it", () => {
  const old = new Database(path);
  old.run(SCHEMA_STEPS[0] as string);
  old.run(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
  old.run("INSERT INTO meta VALUES ('cluster_id', 'c')");
  old.run("INSERT INTO streams VALUES ('i', 'n', 'active', 1, 2)");
  old.run(`INSERT INTO shards VALUES ('i', 0, '0', '${2n ** 128n - 1n}', 1, NULL, '')`);
  old.close();
  const attributes = new Map<string, string>();
  for (let start = 0; start < 2; start++) {
    const catalog = open(true);
    expect(catalog.clusterId).toBe("c");
    expect(catalog.streams()).toMatchObject([
      { id: "i", name: "n", retentionMs: 2, durability: "sync", attributes },
    ]);
    catalog.setAttributes("i", new Map([["tag", "x"]]));
    attributes.set("tag", "x");
    catalog.close();
  }
});

test("a reshard, attributes, retention and settings come back as they were written", () => {
  const catalog = open();
  const stream = row("s", 2);
  catalog.addStream(stream);
  const plan = planReshard(stream.shards, { kind: "merge", first: 0, second: 1 }, 1_800_000_000_000);
  catalog.reshard(stream.id, plan);
  catalog.setChoices(stream.id, { retentionMs: 7, durability: "sync", settings: {} });
  catalog.setAttributes(
    stream.id,
    new Map([
      ["a", undefined],
      ["b", "2"],
    ]),
  );
  catalog.setSetting("x", "y");
  catalog.close();
  const again = open(true);
  expect(again.settings()).toEqual(new Map([["x", "y"]]));
  const [found] = again.streams();
  expect(found?.retentionMs).toBe(7);
  expect(found?.attributes).toEqual(new Map([["b", "2"]]));
  const closedAtMs = 1_799_999_999_999;
  expect(found?.shards).toEqual([...stream.shards.map((shard) => ({ ...shard, closedAtMs })), ...plan.added]);
  again.removeShards(stream.id, [0, 1]);
  expect(again.streams()[0]?.shards).toEqual([...plan.added]);
  again.close();
});

test("a durability that this voik does not know is refused", () => {
  const catalog = open();
  catalog.addStream(row("a", 3));
  catalog.close();
  changeAndSeal("UPDATE streams SET durability = 'never'");
  expect(refusal(true)).toEqual(["storage_damaged", expect.stringContaining("never")]);
});

test("a name is free again while its former stream is being deleted", () => {
  const catalog = open();
  const first = row("name", 1);
  catalog.addStream(first);
  const second = { ...first, id: "f".repeat(32) };
  expect(() => catalog.addStream(second)).toThrow("UNIQUE");
  catalog.setState(first.id, "deleting");
  catalog.addStream(second);
  expect(catalog.streams().map((stream) => stream.state)).toContain("deleting");
  catalog.close();
});

test("a missing or empty catalog over existing streams is no new cluster", () => {
  expect(refusal(true)).toEqual(["storage_damaged", expect.stringContaining("is missing")]);
  expect(disk.exists(path)).toBe(false);
  writeFileSync(path, "");
  expect(refusal(true)).toEqual(["storage_damaged", expect.stringContaining("it is empty")]);
  expect(statSync(path).size).toBe(0);
});

test("a file that is not SQLite's, or another program's, is refused and left as it is", () => {
  writeFileSync(path, "not a database, but long enough to have the header of one".repeat(40));
  expect(refusal()[0]).toBe("storage_damaged");
  expect(readFileSync(path, "utf8")).toStartWith("not a database");
  rmSync(path);
  const other = new Database(path);
  other.run("CREATE TABLE theirs(x)");
  other.close();
  expect(refusal()).toEqual(["storage_damaged", expect.stringContaining("not a voik database")]);
});

test("a newer format is refused and left as it is", () => {
  fill();
  const newer = new Database(path);
  newer.run("PRAGMA user_version = 1000");
  newer.close();
  const before = readFileSync(path);
  expect(refusal()).toEqual([
    "unsupported",
    expect.stringContaining(`has format 1000, this voik knows formats up to ${SCHEMA_STEPS.length}`),
  ]);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("a torn file is refused", () => {
  fill();
  truncateSync(path, statSync(path).size - 4096);
  expect(refusal(true)[0]).toBe("storage_damaged");
  truncateSync(path, 5000);
  expect(refusal(true)[0]).toBe("storage_damaged");
});

test("pages of noise are refused", () => {
  fill();
  const bytes = readFileSync(path);
  for (let page = 1; page * 4096 < bytes.length; page++) {
    const damaged = Buffer.from(bytes);
    seededRandom(page)
      .bytes(4096)
      .copy(damaged, page * 4096);
    writeFileSync(path, damaged);
    expect([page, refusal(true)[0]]).toEqual([page, "storage_damaged"]);
  }
});

test("a stream without its shards is refused", () => {
  fill();
  changeAndSeal("DELETE FROM shards WHERE shard_index = 1");
  expect(refusal(true)).toEqual(["storage_damaged", expect.stringContaining("lacks shards")]);
});
