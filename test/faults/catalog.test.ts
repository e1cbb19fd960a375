/**
 * The catalog, voik.db, lost, cut, flipped, or written by a newer voik: the server refuses to start with a line that
 * names the file, or starts with every stream. It never starts empty, and a refused start touches nothing.
 */
import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { flipBit } from "../helpers/shard-copies.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";

const FLIPS = Math.ceil(Number(process.env.VOIK_FAULT_FLIPS ?? 100) / 10);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const STREAMS = 30;

test("21: without its catalog, or with a broken one, it does not start empty", async () => {
  await using good = await DataFolder.make();
  const database = (folder: string) => join(folder, "voik.db");
  const size = statSync(database(good.folder)).size;
  const harms: Record<string, (folder: string) => void> = {
    missing: (folder) => rmSync(database(folder)),
    empty: (folder) => truncateSync(database(folder), 0),
    "cut in half": (folder) => truncateSync(database(folder), Math.floor(size / 2)),
    "cut by a page": (folder) => truncateSync(database(folder), size - 4096),
    rubbish: (folder) => writeFileSync(database(folder), seededRandom(SEED).bytes(size)),
    zeros: (folder) => writeFileSync(database(folder), Buffer.alloc(size)),
    "of shards with a hash range that is no number": (folder) => {
      const catalog = new Database(database(folder));
      catalog.run("UPDATE shards SET hash_start = '12x'");
      catalog.close();
    },
    "no database": (folder) => writeFileSync(database(folder), "hello"),
  };
  for (const [name, harm] of Object.entries(harms)) {
    const outcome = await good.startCopy(harm);
    expect([name, outcome.started]).toEqual([name, false]);
    expect([name, outcome.text]).toEqual([name, expect.stringMatching(/^voik: .*voik\.db/m)]);
  }
}, 60_000);

test(
  `21: with one of ${FLIPS} bits flipped in its catalog it starts with every stream or not at all`,
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    await using good = await DataFolder.make();
    const random = seededRandom(SEED);
    const breaches: string[] = [];
    for (let i = 0; i < FLIPS; i++) {
      let where = "";
      const { started, text, streams } = await good.startCopy((folder) => {
        const path = join(folder, "voik.db");
        const position = randomBelow(random, statSync(path).size);
        const bit = randomBelow(random, 8);
        flipBit(path, position, bit);
        where = `byte ${position}, bit ${bit}`;
      });
      if (started && streams !== STREAMS)
        breaches.push(`${where}: ${streams} of ${STREAMS} streams are there`);
      if (!started && !/^voik: .*voik\.db/m.test(text)) breaches.push(`${where}: ${text}`);
    }
    expect(breaches).toEqual([]);
  },
  60_000 + FLIPS * 2_000,
);

test.each(["voik.db", "access.db", "groups.db", "transactions.db"])(
  "24: a data folder with the %s of a newer voik is refused and left as it is",
  async (name) => {
    await using good = await DataFolder.make();
    let before = new Map<string, string>();
    const outcome = await good.startCopy(
      (folder) => {
        const database = new Database(join(folder, name));
        database.run("PRAGMA user_version = 1000");
        database.close();
        before = contentsOf(folder);
      },
      (folder) => expect(contentsOf(folder)).toEqual(before),
    );
    expect(outcome.started).toBe(false);
    expect(outcome.text).toMatch(/^voik: .*newer voik/m);
    expect(outcome.text).toContain(name);
  },
  30_000,
);

/** A stopped data folder with thirty streams, to be copied and harmed. */
class DataFolder implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<DataFolder> {
    const folder = temporaryFolder("catalog");
    await using voik = await VoikProcess.start({ folder });
    for (let i = 0; i < STREAMS; i++) await makeTopic(voik, `stream-number-${i}`, 1);
    await voik.stop();
    return new DataFolder(folder);
  }

  /** Harms a copy and starts on it; `look` sees the copy after a refused start. */
  async startCopy(
    harm: (folder: string) => void,
    look: (folder: string) => void = () => {},
  ): Promise<{ started: boolean; text: string; streams: number }> {
    const folder = temporaryFolder("harmed");
    try {
      cpSync(this.folder, folder, { recursive: true });
      harm(folder);
      try {
        await using voik = await VoikProcess.start({ folder });
        const { topics } = await withKafka(voik, (client) =>
          client.request(Metadata, { topics: null, allowAutoTopicCreation: false }),
        );
        return { started: true, text: voik.stderr, streams: topics.length };
      } catch (error) {
        look(folder);
        return { started: false, text: (error as Error).message, streams: 0 };
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true });
  }
}

/** Hashes of all files but the lock, which names who held it last. */
function contentsOf(folder: string): Map<string, string> {
  const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name !== "voik.lock");
  return new Map(
    names
      .sort()
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, Bun.SHA1.hash(readFileSync(join(folder, name)), "hex")]),
  );
}
