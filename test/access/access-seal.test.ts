/**
 * A flipped bit anywhere in access.db or the files beside it: the same users, keys, entries and quotas as before, or a
 * refusal that names the file. So, too, with rows that are changed or gone, and with changes that are gone as a whole.
 *
 * VOIK_FAULT_FLIPS is the number of flips in each file; VOIK_SEED repeats a run.
 */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VoikError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { acl, openTestAccess, type TestAccess } from "../helpers/access.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const FLIPS = Number(process.env.VOIK_FAULT_FLIPS ?? 100) * 3;
const TIMEOUT_MS = 60_000 + FLIPS * 50;
/** Thousands of opens need no disk. */
const PARENT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(PARENT, "voik-access-seal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Users, ACL entries and quotas that have seen every kind of change, still open. */
async function filled(): Promise<TestAccess> {
  const access = await openTestAccess({ folder });
  for (const name of ["ann", "bob", "eve"]) await access.users.create(name, "secret of " + name);
  access.users.createAccessKey("ann");
  access.users.createAccessKey("eve");
  access.users.delete("eve");
  access.acls.add([acl("allow User:ann read topic orders"), acl("deny User:bob write topic orders")]);
  access.quotas.alter([
    { entity: { user: "ann", clientId: undefined }, key: "producer_byte_rate", bytesPerSecond: 1000 },
  ]);
  return access;
}

/** All rows, as the database says them, if voik starts on it. */
async function answersOf(at: string): Promise<unknown[]> {
  (await openTestAccess({ folder: at })).close();
  const database = new Database(join(at, "access.db"), { readonly: true });
  const tables = ["meta", "users", "scram", "access_keys", "acls", "quotas"];
  const answers = tables.map((table) => database.query(`SELECT * FROM ${table}`).values());
  database.close();
  return answers;
}

type Files = ReadonlyMap<string, Buffer>;

function filesOf(at: string): Map<string, Buffer> {
  return new Map(readdirSync(at).map((name) => [name, readFileSync(join(at, name))]));
}

async function outcomeOf(files: Files, expected: unknown[]): Promise<string> {
  const copy = mkdtempSync(join(PARENT, "voik-access-copy-"));
  for (const [name, bytes] of files) writeFileSync(join(copy, name), bytes);
  try {
    return Bun.deepEquals(await answersOf(copy), expected, true) ? "the same" : "other answers";
  } catch (error) {
    if (error instanceof VoikError && error.message.includes(join(copy, "access.db"))) return "refused";
    return `threw ${error}`;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

describe.each([
  ["stopped", ["access.db", "access.db-seal"]],
  ["killed", ["access.db", "access.db-wal", "access.db-shm", "access.db-seal"]],
])("access.db of a voik that was %s", (how, names) => {
  test.each(names)(
    "a flipped bit in %s changes no answer",
    async (name) => {
      console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
      const random = seededRandom(SEED);
      const access = await filled();
      if (how === "stopped") access.close();
      const files = filesOf(folder);
      if (how === "killed") access.close();
      expect([...files.keys()].sort()).toEqual([...names].sort());
      const expected = await answersOf(folder);
      const counts = new Map<string, number>();
      const original = files.get(name) as Buffer;
      const step = Math.max(1, Math.floor(original.length / FLIPS));
      for (let at = randomBelow(random, step); at < original.length; at += step) {
        const bytes = Buffer.from(original);
        const bit = randomBelow(random, 8);
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        const outcome = await outcomeOf(new Map([...files, [name, bytes]]), expected);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        expect([at, bit, outcome]).toEqual([at, bit, expect.stringMatching(/^(the same|refused)$/)]);
      }
      console.log(
        `${name} (${how}), ${original.length} bytes: ${JSON.stringify(Object.fromEntries(counts))}`,
      );
    },
    TIMEOUT_MS,
  );
});

test.each([
  "UPDATE acls SET permission = 'allow'",
  "UPDATE scram SET iterations = iterations + 1 WHERE user = 'ann'",
  "DELETE FROM users WHERE name = 'bob'",
  "UPDATE quotas SET bytes_per_second = 1001",
  "UPDATE seal SET change = change + 1",
  "DELETE FROM seal",
])("%s behind voik's back is damage", async (sql) => {
  (await filled()).close();
  const database = new Database(join(folder, "access.db"));
  expect(database.run(sql).changes).toBeGreaterThan(0);
  database.close();
  const refusal = await openTestAccess({ folder }).catch((error: VoikError) => error);
  expect(refusal).toMatchObject({ code: "storage_damaged" });
});

test("an older access.db, an empty one or none is refused until access.db-seal is removed", async () => {
  (await filled()).close();
  const older = readFileSync(join(folder, "access.db"));
  const access = await openTestAccess({ folder });
  access.acls.add([acl("deny User:ann read topic orders")]);
  access.close();
  for (const harm of [
    () => writeFileSync(join(folder, "access.db"), older),
    () => writeFileSync(join(folder, "access.db"), ""),
    () => rmSync(join(folder, "access.db")),
  ]) {
    harm();
    const refusal = await openTestAccess({ folder }).catch((error: VoikError) => error);
    expect(refusal).toMatchObject({
      code: "storage_damaged",
      message: expect.stringContaining("remove access.db-seal"),
    });
  }
  writeFileSync(join(folder, "access.db"), older);
  rmSync(join(folder, "access.db-seal"));
  (await openTestAccess({ folder })).close();
});
