/**
 * The order of system calls between a write and its ack: nothing is answered before bytes and names are durable, as
 * books kept over a trace show. This finds a missing folder sync, which the file systems here would forgive.
 */
import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { createTopic, produceBatch } from "../helpers/kafka-records.ts";
import { withKafka } from "../helpers/plug.ts";
import { batchOf } from "../helpers/shard-copies.ts";
import { LEDGER_CALLS, SyncLedger } from "../helpers/sync-ledger.ts";
import { recorded, recordingOf } from "../helpers/strace.ts";
import { temporaryFolder, voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const BATCHES = 60;
/**
 * Indexes and shared memory are made anew after a crash; the lock names a process that is gone then; a checkpoint and
 * the catalog's seal are lower bounds, as good when they are old; the ballast holds nothing.
 */
const HINT = /(\.index|\.timeindex|-shm|-seal|voik\.lock|\/checkpoint|\/ballast)$/;

describeAsRoot("the order of system calls", ["strace"], () => {
  test("11: every name and every byte is durable before the client hears of it", async () => {
    const home = temporaryFolder("order");
    try {
      const folder = join(home, "data");
      const log = join(home, "strace.log");
      const command = recorded(log, LEDGER_CALLS, 0, voikExecutable());
      await using voik = await VoikProcess.start({ folder, command, args: ["--segment-bytes", "64KiB"] });
      await withKafka(voik, async (client) => {
        for (const name of ["first", "second"]) {
          const topic = { name, id: await createTopic(client, name, 2) };
          for (let i = 0; i < BATCHES; i++)
            await produceBatch(client, topic, i % 2, batchOf(Buffer.alloc(5_000, i)));
        }
        const wanted = { topics: [{ name: "first" }], topicNames: ["first"], timeoutMs: 10_000 };
        await client.request(DeleteTopics, wanted);
      });
      const { pid } = voik;
      await voik.stop();
      const ledger = new SyncLedger(folder, (path) => HINT.test(path));
      ledger.read(await recordingOf(log, pid));
      expect(ledger.answers).toBeGreaterThan(2 * BATCHES);
      expect([...ledger.breaches]).toEqual([]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }, 60_000);
});

describe("the books", () => {
  const breaches = (...lines: string[]) => {
    const ledger = new SyncLedger("/d", (path) => path.endsWith(".index"));
    ledger.read(lines.join("\n"));
    return ledger.breaches.size;
  };
  const create = '7 openat(AT_FDCWD</>, "/d/a.log", O_RDWR|O_CREAT|O_EXCL, 0600) = 5</d/a.log>';
  const write = '7 pwrite64(5</d/a.log>, ""..., 9, 0) = 9';
  const sync = "8 fdatasync(5</d/a.log>) = 0";
  const syncFolder = "8 fsync(6</d>) = 0";
  const answer = '7 sendto(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, ""..., 20, 0, NULL, 0) = 20';

  test("are even when file and folder are synced before the answer", () => {
    expect(breaches(create, write, sync, syncFolder, answer)).toBe(0);
    expect(breaches(create, write, "8 syncfs(6</d>) = 0", answer)).toBe(0);
    expect(breaches(create.replaceAll(".log", ".index"), answer)).toBe(0);
  });

  test("show bytes, names and renames that no sync has covered", () => {
    expect(breaches(create, write, sync, answer)).toBe(1);
    expect(breaches(create, write, syncFolder, answer)).toBe(1);
    expect(breaches(create, write, answer)).toBe(2);
    const rename = '7 rename("/d/a.log", "/d/b.log") = 0';
    expect(breaches(create, syncFolder, rename, answer)).toBe(2);
    expect(
      breaches(create, write, sync.replace("= 0", "= -1 EIO (Input/output error)"), syncFolder, answer),
    ).toBe(1);
  });

  test("forget the bytes of what is deleted, but not its name", () => {
    const remove = '7 unlinkat(6</d>, "a.log", 0) = 0';
    expect(breaches(create, write, syncFolder, remove, answer)).toBe(1);
    expect(breaches(create, write, remove, syncFolder, answer)).toBe(0);
    expect(breaches(create, write, '7 rmdir("/d") = 0', answer)).toBe(1);
  });

  test("count a sync only for what was there when it began", () => {
    const begun = "8 fdatasync(5</d/a.log> <unfinished ...>";
    const done = "8 <... fdatasync resumed>) = 0";
    expect(breaches(create, syncFolder, begun, write, done, answer)).toBe(1);
    expect(breaches(create, syncFolder, write, begun, done, answer)).toBe(0);
  });
});
