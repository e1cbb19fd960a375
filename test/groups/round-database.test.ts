/** Rounds that are gone from a database of rounds, because its write-ahead log is: a start that is refused. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { DatabaseFormat } from "../../src/base/database.ts";
import { disk } from "../../src/base/disk.ts";
import { RoundDatabase, ROUNDS_TABLE } from "../../src/groups/round-database.ts";

const FORMAT: DatabaseFormat = {
  what: "a database of this test",
  remedy: "Put it back",
  applicationId: 0x74657374,
  steps: ["CREATE TABLE notes(text TEXT NOT NULL) STRICT", ROUNDS_TABLE],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voik-rounds-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(at: string): Promise<RoundDatabase> {
  return RoundDatabase.open(FORMAT, {
    path: join(at, "notes.db"),
    fileSystem: disk,
    clock: systemClock,
    onSyncFailure(error) {
      throw error;
    },
  });
}

const note = (database: RoundDatabase, text: string) =>
  database.change(1, () => void database.sqlite.query("INSERT INTO notes VALUES (?)").run(text));

/**
 * What a start finds in the folder of a voik that was killed after three rounds, once `harm` was done to it. `walBytes`: size
 * of the write-ahead log after each round.
 */
async function afterKill(harm: (at: string, walBytes: readonly number[]) => void): Promise<unknown> {
  const killed = join(folder, "killed");
  const database = await open(folder);
  const walBytes: number[] = [];
  for (const text of ["a", "b", "c"]) {
    await note(database, text);
    walBytes.push(statSync(join(folder, "notes.db-wal")).size);
  }
  const names = readdirSync(folder);
  for (const name of names) cpSync(join(folder, name), join(killed, name));
  await database.close();
  harm(killed, walBytes);
  return textsIn(killed).catch((error: Error) => error.message.replace(killed, ""));
}

async function textsIn(at: string): Promise<string[]> {
  const database = await open(at);
  const rows = database.sqlite.query<{ text: string }, []>("SELECT text FROM notes").all();
  await database.close();
  return rows.map(({ text }) => text);
}

test("whoever was killed or stopped finds every round", async () => {
  expect(await afterKill(() => {})).toEqual(["a", "b", "c"]);
  expect(await textsIn(folder)).toEqual(["a", "b", "c"]);
});

const refused = (found: string) =>
  `/notes.db can't be used: ${found}, and number 3 was made here ` +
  "(remove notes.db-seal to start with it all the same). Put it back";

test.each([
  ["cut short", (wal: string, size: number) => truncateSync(wal, size)],
  ["changed by a bit", (wal: string, size: number) => flipBit(wal, size + 100)],
])(
  "a write-ahead log that was %s in its last round is a refused start that says what to do",
  async (_, harm) => {
    const found = await afterKill((at, walBytes) => harm(join(at, "notes.db-wal"), walBytes[1] as number));
    expect(found).toBe(refused("its last change is number 2"));
  },
);

test("so is one that is gone", async () => {
  const found = await afterKill((at) => rmSync(join(at, "notes.db-wal")));
  expect(found).toBe(refused("it is empty, or older than its checksums"));
});

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

test("without the file beside it, what is there is taken", async () => {
  const texts = await afterKill((at) => {
    for (const name of ["notes.db-wal", "notes.db-seal"]) rmSync(join(at, name));
  });
  expect(texts).toEqual([]);
});
