/**
 * Files of a log that are missing, empty, misnamed, doubled, foreign or no files at all. The server starts, says what
 * is wrong, serves every record that is there, answers an error for those that are not, and deletes nothing.
 */
import { expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { withKafka } from "../helpers/plug.ts";
import { batchesIn, ShardCopies } from "../helpers/shard-copies.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);

interface Harm {
  /** Does it to a segment in the middle of a log; returns the path that has to be there afterwards. */
  does(log: string): string;
  /** What its records are afterwards; misnamed and doubled ones may be either until a person has put things right. */
  leaves: "right" | "error" | "either";
}

const beside = (log: string, name: string): string => join(dirname(log), name);
const otherName = (log: string, add: number): string =>
  beside(log, `${String(Number(basename(log, ".log")) + add).padStart(20, "0")}.log`);

const HARMS: Record<string, Harm> = {
  missing: { does: (log) => (rmSync(log), dirname(log)), leaves: "error" },
  empty: { does: (log) => (truncateSync(log, 0), log), leaves: "error" },
  "named by another offset": {
    does(log) {
      renameSync(log, otherName(log, 1));
      return otherName(log, 1);
    },
    leaves: "either",
  },
  "doubled under another offset": {
    does(log) {
      copyFileSync(log, otherName(log, 1));
      return otherName(log, 1);
    },
    leaves: "either",
  },
  "a symbolic link": {
    does(log) {
      renameSync(log, beside(log, "elsewhere"));
      symlinkSync(beside(log, "elsewhere"), log);
      return log;
    },
    leaves: "error",
  },
  "a folder": {
    does(log) {
      rmSync(log);
      mkdirSync(log);
      return log;
    },
    leaves: "error",
  },
  "beside a stray file": {
    does(log) {
      writeFileSync(beside(log, "notes.txt"), "mine");
      return beside(log, "notes.txt");
    },
    leaves: "right",
  },
  "beside a stray log that is no number": {
    does(log) {
      copyFileSync(log, beside(log, "backup.log"));
      return beside(log, "backup.log");
    },
    leaves: "right",
  },
  "beside a symbolic link to nowhere": {
    does(log) {
      symlinkSync("/nonexistent", beside(log, "link"));
      return beside(log, "link");
    },
    leaves: "right",
  },
};

test("19: a segment that is missing, empty, misnamed, doubled, a link or a folder costs at most its own records", async () => {
  const harms = Object.entries(HARMS);
  await using copies = await ShardCopies.make({
    shards: harms.length,
    batches: Array.from({ length: 40 }, () => 5_000),
    args: ["--segment-bytes", "64KiB"],
    seed: SEED,
  });
  const [, middle = ""] = copies.logs(0);
  const inside = new Set(batchesIn(middle).map(({ offset }) => offset));
  expect(inside.size).toBeGreaterThan(3);
  expect(copies.logs(0).length).toBeGreaterThan(3);
  const kept = harms.map(([, { does }], shard) => does(copies.logs(shard)[1] as string));
  const kinds = kept.map((path) => lstatSync(path).mode);
  await copies.voik.restart();
  const breaches: string[] = [];
  await withKafka(copies.voik, async (client) => {
    for (const [shard, [name, { leaves }]] of harms.entries()) {
      const found = await copies.survey(client, shard);
      for (const [offset, finding] of found.entries()) {
        const wanted = inside.has(offset) ? leaves : "right";
        if (finding === wanted || (wanted === "either" && (finding === "right" || finding === "error")))
          continue;
        breaches.push(`${name}: ${finding} at ${offset} instead of ${wanted}`);
      }
    }
  });
  kept.forEach((path, i) => {
    if (!existsSync(dirname(path)) || lstatSync(path).mode !== kinds[i]) breaches.push(`${path} is gone`);
  });
  expect(breaches).toEqual([]);
  await copies.voik.stop();
}, 60_000);
