/** The catalog finds no room for a deletion (injected): the ballast makes it. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { KafkaError } from "../../src/kafka/errors.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { Fault } from "../helpers/strace.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const WRITES = "pwrite64,write,ftruncate,fallocate";

async function deleteTopic(client: KafkaClient, name: string): Promise<number | undefined> {
  const request = { topics: [{ name }], topicNames: [name], timeoutMs: 10_000 };
  return (await client.request(DeleteTopics, request)).responses[0]?.errorCode;
}

describeAsRoot("a catalog without room", ["strace"], () => {
  test("27: a stream is deleted all the same, for which the ballast goes; without one it is refused", async () => {
    await using voik = await VoikProcess.start({ args: ["--ballast-bytes", "1MiB"] });
    const ballast = join(voik.folder, "ballast");
    const wal = join(voik.folder, "voik.db-wal");
    for (const name of ["one", "two", "three"]) await makeTopic(voik, name, 1);
    expect(existsSync(ballast)).toBe(true);
    await withKafka(voik, async (client) => {
      {
        await using _fault = await Fault.attach(voik.pid, WRITES, "error=ENOSPC:when=1", wal);
        expect(await deleteTopic(client, "one")).toBe(KafkaError.none);
      }
      expect(existsSync(ballast)).toBe(false);
      expect(voik.stderr).toContain("removed the ballast");
      {
        await using _fault = await Fault.attach(voik.pid, WRITES, "error=ENOSPC", wal);
        expect(await deleteTopic(client, "two")).toBe(KafkaError.storageError);
      }
      expect(await deleteTopic(client, "two")).toBe(KafkaError.none);
    });
    await makeTopic(voik, "after", 1);
    await voik.stop();
  }, 30_000);
});
