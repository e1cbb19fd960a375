/**
 * Idempotent producers and consumer groups through crashes, kill -9 and power cuts in turn: a producer sends again what
 * has no answer, and its last five batches besides, and every one of them is stored once; a group's offset never goes
 * back behind a commit that was acknowledged.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { OffsetCommit } from "../../src/kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { type DiskKind, LoopDisk, type PowerCut } from "../helpers/loop-disk.ts";
import { OnceProducer } from "../helpers/once-producer.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const CRASHES = Math.ceil(Number(process.env.VOIK_FAULT_CUTS ?? 20) / 3);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 2;
const LOAD_MS_MIN = 50;
const LOAD_MS_MAX = 300;
const CRASH_KINDS: (PowerCut | "kill")[] = ["kill", "drop journal", "flush journal"];
const GROUP_VERSION = 7;

describeAsRoot("producers and groups", ["mkfs.ext4", "mkfs.xfs"], () => {
  test.each(["ext4", "xfs"] as const)(
    `12, 13: ${CRASHES} crashes on %s double no batch of an idempotent producer and take back no committed offset`,
    async (kind) => {
      console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
      await crashRepeatedly(kind, seededRandom(SEED));
    },
    60_000 + CRASHES * 5_000,
  );
});

async function crashRepeatedly(kind: DiskKind, random: Random): Promise<void> {
  await using disk = await LoopDisk.make(kind, 400);
  const start = { folder: join(disk.folder, "data"), args: ["--segment-bytes", "256KiB"] };
  await using voik = await VoikProcess.start(start);
  const topic = await makeTopic(voik, "once", PARTITIONS);
  const numbers = Array.from({ length: PARTITIONS }, (_, i) => i);
  const { producerId } = await withKafka(voik, (client) =>
    client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 }),
  );
  const producers = numbers.map((i) => new OnceProducer(topic, producerId, i));
  const readers = numbers.map((i) => new CommittingReader(topic.name, i));
  for (let crash = 0; crash < CRASHES; crash++) {
    const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const running = [...producers, ...readers].map((one) => one.run(client));
    await Bun.sleep(LOAD_MS_MIN + (random.uint32() % (LOAD_MS_MAX - LOAD_MS_MIN))); // the load itself
    const how = CRASH_KINDS[crash % CRASH_KINDS.length] as PowerCut | "kill";
    if (how !== "kill") {
      for (const one of [...producers, ...readers]) one.powerIsOff = true; // history.ts says why
      disk.cutPower(how);
    }
    await voik.kill();
    await Promise.all(running);
    if (how !== "kill") await disk.remount();
    for (const one of [...producers, ...readers]) one.powerIsOff = false;
    await voik.restart();
    await withKafka(voik, async (again) => {
      for (const reader of readers) await reader.check(again);
      for (const producer of producers) await producer.resend(again);
    });
  }
  await withKafka(voik, async (client) => {
    for (const producer of producers) await producer.check(client);
  });
  const acked = readers.map((reader) => reader.acked);
  console.log(`${kind}: ${producers.map(({ sent }) => sent)} batches, offsets up to ${acked} committed`);
  expect(Math.min(...acked)).toBeGreaterThan(0);
  await voik.stop();
}

/** Commits one offset after the other for a partition, on behalf of a group that nobody is a member of. */
class CommittingReader {
  /** The last offset whose commit was acknowledged. */
  acked = 0;
  /** Acknowledgements count for nothing any more. */
  powerIsOff = false;
  private sent = 0;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
  ) {}

  /** Goes on until the connection ends or the disk has failed. */
  async run(client: KafkaClient): Promise<void> {
    for (;;) {
      const committedOffset = ++this.sent;
      const partitions = [{ partitionIndex: this.partition, committedOffset, committedMetadata: "" }];
      const body = { groupId: "readers", memberId: "", topics: [{ name: this.topic, partitions }] };
      const reply = await client.request(OffsetCommit, body, GROUP_VERSION).catch(() => undefined);
      if (reply === undefined) return;
      if (this.powerIsOff) return;
      expect(reply.topics[0]?.partitions[0]?.errorCode).toBe(0);
      this.acked = committedOffset;
    }
  }

  /** The group stands where it was acknowledged to stand, or at a commit that was on its way. */
  async check(client: KafkaClient): Promise<void> {
    const topics = [{ name: this.topic, partitionIndexes: [this.partition] }];
    const reply = await client.request(
      OffsetFetch,
      { groupId: "readers", topics, groups: [] },
      GROUP_VERSION,
    );
    const found = reply.topics[0]?.partitions[0];
    expect(found?.errorCode).toBe(0);
    const committedOffset = Math.max(0, found?.committedOffset ?? 0); // -1 before the first commit
    expect(committedOffset).toBeGreaterThanOrEqual(this.acked);
    expect(committedOffset).toBeLessThanOrEqual(this.sent);
    this.sent = committedOffset;
    this.acked = committedOffset;
  }
}
