/**
 * A flipped bit anywhere in the catalog's files: the same answers as before, or a refusal that names the file, and
 * never another answer. So, too, with rows that are changed, swapped or gone, and with changes that are gone as a whole.
 *
 * VOIK_FAULT_FLIPS is the number of flips in each file; VOIK_SEED repeats a run.
 */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disk } from "../../src/base/disk.ts";
import { VoikError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { uniformRanges } from "../../src/streams/hash-range.ts";
import { Catalog, type StreamRow } from "../../src/streams/catalog.ts";
import { readCatalog } from "../../src/streams/catalog-reader.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const FLIPS = Number(process.env.VOIK_FAULT_FLIPS ?? 100) * 5;
const TIMEOUT_MS = 60_000 + FLIPS * 50;
/** Thousands of opens need no disk. */
const PARENT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(PARENT, "voik-seal-"));
  path = join(folder, "voik.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (at = path) =>
  Catalog.open({ path: at, fileSystem: disk, random: seededRandom(1), streamsExist: false });

function row(name: string): StreamRow {
  const shards = uniformRanges(2).map((range, index) => ({
    index,
    range,
    createdAtMs: 1_700_000_000_123,
    closedAtMs: undefined,
    parents: [],
  }));
  return {
    id: Bun.MD5.hash(name, "hex"),
    name,
    state: "active",
    createdAtMs: 1_700_000_000_000,
    retentionMs: 86_400_000,
    durability: "sync",
    settings: { segmentBytes: 65_536 },
    attributes: new Map([["tag", name.toUpperCase()]]),
    shards,
  };
}

/** A catalog that has seen some of every kind of change, still open. */
function filled(): Catalog {
  const catalog = open();
  for (const name of ["one", "two", "three", "four"]) catalog.addStream(row(name));
  catalog.removeStream(row("four").id);
  catalog.setChoices(row("one").id, { retentionMs: 7_200_000, durability: "sync", settings: {} });
  catalog.setSetting("colour", "blue");
  catalog.takeProducerIds(1000);
  return catalog;
}

/** Everything that a catalog says, before and after it takes a change and is opened again. */
function answersOf(at: string): unknown[] {
  const answers: unknown[] = [];
  for (const change of [true, false]) {
    const catalog = open(at);
    answers.push(catalog.clusterId, catalog.streams(), catalog.settings());
    if (change) {
      answers.push(catalog.takeProducerIds(5));
      catalog.addStream(row("later"));
    }
    catalog.close();
  }
  return answers;
}

type Outcome = "the same" | "refused";

/** What a catalog says with `harm` done to a copy of its files: anything else than an outcome is a breach. */
function outcomeOf(
  files: ReadonlyMap<string, Buffer>,
  expected: unknown[],
  harm: (copy: string) => void,
): Outcome | string {
  const copy = mkdtempSync(join(folder, "copy-"));
  const at = join(copy, "voik.db");
  for (const [name, bytes] of files) writeFileSync(join(copy, name), bytes);
  harm(copy);
  try {
    return Bun.deepEquals(answersOf(at), expected, true) ? "the same" : "other answers";
  } catch (error) {
    if (error instanceof VoikError && error.message.includes(at)) return "refused";
    return `threw ${error}`;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function filesOf(at: string): Map<string, Buffer> {
  return new Map(
    readdirSync(at)
      .filter((name) => name.startsWith("voik.db"))
      .map((name) => [name, readFileSync(join(at, name))]),
  );
}

/** What the files say as they are, in a copy. */
function answersOfFiles(files: ReadonlyMap<string, Buffer>): unknown[] {
  const copy = mkdtempSync(join(folder, "good-"));
  for (const [name, bytes] of files) writeFileSync(join(copy, name), bytes);
  return answersOf(join(copy, "voik.db"));
}

describe.each([
  ["stopped", ["voik.db", "voik.db-seal"]],
  ["killed", ["voik.db", "voik.db-wal", "voik.db-shm", "voik.db-seal"]],
])("the catalog of a voik that was %s", (how, names) => {
  test.each(names)(
    "a flipped bit in %s changes no answer",
    (name) => {
      console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
      const random = seededRandom(SEED);
      const catalog = filled();
      if (how === "stopped") catalog.close();
      const files = filesOf(folder);
      if (how === "killed") catalog.close();
      expect([...files.keys()].sort()).toEqual([...names].sort());
      const expected = answersOfFiles(files);
      const counts = new Map<string, number>();
      const breaches: string[] = [];
      const size = (files.get(name) as Buffer).length;
      const step = Math.max(1, Math.floor(size / FLIPS));
      for (let at = randomBelow(random, step); at < size; at += step) {
        const bytes = Buffer.from(files.get(name) as Buffer);
        const bit = randomBelow(random, 8);
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        const outcome = outcomeOf(new Map([...files, [name, bytes]]), expected, () => {});
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        if (outcome !== "the same" && outcome !== "refused")
          breaches.push(`byte ${at}, bit ${bit}: ${outcome}`);
      }
      console.log(`${name} (${how}), ${size} bytes: ${JSON.stringify(Object.fromEntries(counts))}`);
      expect(breaches.slice(0, 20)).toEqual([]);
      expect(counts.size).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

describe("rows that are not what was written", () => {
  const harms: Record<string, string> = {
    "another name": "UPDATE streams SET name = 'onf' WHERE name = 'one'",
    "another time": "UPDATE streams SET created_at_ms = created_at_ms + 1 WHERE name = 'two'",
    "another hash range": "UPDATE shards SET hash_start = '1' WHERE hash_start = '0'",
    "another setting of a stream":
      "UPDATE streams SET settings = '{\"segmentBytes\":65537}' WHERE name = 'two'",
    "another attribute": "UPDATE attributes SET value = 'TWP' WHERE value = 'TWO'",
    "another setting": "UPDATE meta SET value = 'blud' WHERE value = 'blue'",
    "producer ids that were given out": "UPDATE meta SET value = '0' WHERE key = 'producer_ids'",
    "no stream two": "DELETE FROM streams WHERE name = 'two'",
    "no attributes": "DELETE FROM attributes",
    "no setting": "DELETE FROM meta WHERE key LIKE 'setting%'",
    "no checksum of a stream": "DELETE FROM seals WHERE stream_id = (SELECT min(stream_id) FROM seals)",
    "no checksum": "DELETE FROM seal",
    "another number of changes": "UPDATE seal SET change = change + 1",
  };
  test.each(Object.entries(harms))("%s is damage, to a start and to the tools", (_name, sql) => {
    filled().close();
    const database = new Database(path);
    database.run("PRAGMA foreign_keys = ON");
    database.run(sql);
    database.close();
    expect(() => open()).toThrow(expect.objectContaining({ code: "storage_damaged" }));
    expect(() => readCatalog(path)).toThrow(expect.objectContaining({ code: "storage_damaged" }));
  });
});

describe("changes that are gone as a whole", () => {
  test("are missed: with the write-ahead log, with all that was written since a copy was taken", () => {
    const catalog = filled();
    const earlierFiles = filesOf(folder);
    catalog.setSetting("colour", "green");
    const files = filesOf(folder);
    catalog.close();
    const expected = answersOfFiles(files);
    const outcome = (harm: (copy: string) => void) => outcomeOf(files, expected, harm);
    expect(outcome(() => {})).toBe("the same");
    expect(outcome((copy) => rmSync(join(copy, "voik.db-wal")))).toBe("refused");
    const earlier = (copy: string) => {
      for (const [name, bytes] of earlierFiles)
        if (name !== "voik.db-seal") writeFileSync(join(copy, name), bytes);
    };
    expect(outcome(earlier)).toBe("refused");
    // Whoever really wants the older catalog says so.
    expect(outcome((copy) => (earlier(copy), rmSync(join(copy, "voik.db-seal"))))).toBe("other answers");
  });

  test("are not what a catalog lacks that is newer than its file beside it", () => {
    const catalog = filled();
    const seal = readFileSync(`${path}-seal`);
    catalog.setSetting("colour", "green");
    catalog.close();
    writeFileSync(`${path}-seal`, seal);
    const again = open();
    expect(again.settings().get("colour")).toBe("green");
    again.close();
    expect(readFileSync(`${path}-seal`).equals(seal)).toBe(false);
  });
});
