/**
 * A full disk: writes are refused with an error that says so, everything else goes on, the process stays, and writing
 * goes on by itself when there is room again. What could be written of a batch only in part is cut back.
 */
import { expect, test } from "bun:test";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { KinesisClient, PutRecordCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { seededRandom } from "../../src/base/random.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { readPartition } from "../helpers/kafka-records.ts";
import { LoopDisk, sudo } from "../helpers/loop-disk.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { temporaryFolder, voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const KAFKA_STORAGE_ERROR = 56;
const RESUME_MS_MAX = 5_000;
const BATCHES_MAX = 5_000;
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);

interface Topic {
  name: string;
  id: string;
}

describeAsRoot("a full disk", ["mkfs.ext4", "prlimit"], () => {
  test("28: refuses records, serves and deletes all the same, and takes records again when there is room", async () => {
    await using disk = await LoopDisk.make("ext4", 64);
    const args = ["--segment-bytes", "4MiB"];
    await using voik = await VoikProcess.start({ folder: join(disk.folder, "data"), args });
    const topic = await makeTopic(voik, "kept", 1);
    const spare = await makeTopic(voik, "spare", 1);
    const log = new ExpectedLog(topic);
    await withKafka(voik, async (client) => {
      await log.write(client, 1_000);
      const other = new ExpectedLog(spare);
      for (let i = 0; i < 100; i++) await other.write(client, 100_000);

      const ballast = join(disk.folder, "ballast");
      await sudo("sh", "-c", `cat /dev/zero > '${ballast}' 2>/dev/null || true`);
      await log.writeUntilRefused(client, 100_000);
      await expectRefusals(client, voik, topic);
      await log.expectIn(client);
      rmSync(ballast);
      await log.expectToGoOn(client);

      // Now records fill it, and deleting a stream makes the room.
      await log.writeUntilRefused(client, 100_000);
      await expectRefusals(client, voik, topic);
      await log.expectIn(client);
      await deleteTopic(client, spare);
      await log.expectToGoOn(client);
      await log.expectIn(client);
    });
    await voik.stop();
    await voik.restart();
    await withKafka(voik, (client) => log.expectIn(client));
    await voik.stop();
  }, 60_000);

  test("29: what a small disk takes of a batch is cut back, and a smaller batch still fits", async () => {
    const folder = temporaryFolder("small");
    await sudo("mount", "-t", "tmpfs", "-o", "size=4m", "small", folder);
    try {
      await using voik = await VoikProcess.start({ folder: join(folder, "data") });
      const log = new ExpectedLog(await makeTopic(voik, "cut-back", 1));
      await withKafka(voik, async (client) => {
        await log.writeUntilRefused(client, 300_000);
        expect(logBytes(voik.folder)).toBe(log.bytes);
        await log.write(client, 1_000);
      });
      await voik.kill();
      await voik.restart();
      await withKafka(voik, (client) => log.expectIn(client));
      await voik.stop();
    } finally {
      await sudo("umount", folder);
      rmSync(folder, { recursive: true });
    }
  }, 30_000);

  test("29: what a file size limit lets through of a batch is cut back, and a smaller batch still fits", async () => {
    const command = ["prlimit", "--fsize=1000000", voikExecutable()];
    await using voik = await VoikProcess.start({ command });
    const log = new ExpectedLog(await makeTopic(voik, "limited", 1));
    await withKafka(voik, async (client) => {
      await log.writeUntilRefused(client, 300_000);
      expect(logBytes(voik.folder)).toBe(log.bytes);
      await log.write(client, 1_000);
    });
    await voik.kill();
    await voik.restart();
    await withKafka(voik, (client) => log.expectIn(client));
    await voik.stop();
  }, 30_000);
});

/** One partition's records, as they were acked: batches of one random record each. */
class ExpectedLog {
  private readonly values: Buffer[] = [];
  /** Bytes of the acked batches. */
  bytes = 0;

  constructor(private readonly topic: Topic) {}

  /** Appends one record and returns the error code; one that is acked is expected from then on. */
  async tryWrite(client: KafkaClient, valueBytes: number): Promise<number> {
    const value = random.bytes(valueBytes);
    const batch = new BatchBuilder();
    batch.add(null, value, Date.now());
    const bytes = batch.build();
    const { errorCode, baseOffset } = await produce(client, this.topic, bytes);
    if (errorCode !== 0) return errorCode;
    expect(baseOffset).toBe(this.values.length);
    this.values.push(value);
    this.bytes += bytes.length;
    return errorCode;
  }

  async write(client: KafkaClient, valueBytes: number): Promise<void> {
    expect(await this.tryWrite(client, valueBytes)).toBe(0);
  }

  async writeUntilRefused(client: KafkaClient, valueBytes: number): Promise<void> {
    let code = 0;
    for (let i = 0; code === 0 && i < BATCHES_MAX; i++) code = await this.tryWrite(client, valueBytes);
    expect(code).toBe(KAFKA_STORAGE_ERROR);
  }

  /** There is room again: a record is taken in five seconds, without a restart. */
  async expectToGoOn(client: KafkaClient): Promise<void> {
    const deadline = performance.now() + RESUME_MS_MAX;
    while ((await this.tryWrite(client, 100_000)) !== 0) {
      if (performance.now() > deadline) throw new Error("writing does not go on");
      await Bun.sleep(50);
    }
  }

  async expectIn(client: KafkaClient): Promise<void> {
    const records = await readPartition(client, this.topic, 0);
    expect(records.length).toBe(this.values.length);
    const wrong = records.filter(({ offset, value }) => !value?.equals(this.values[offset] as Buffer));
    expect(wrong).toEqual([]);
  }
}

async function produce(client: KafkaClient, topic: Topic, records: Buffer) {
  const partitionData = [{ index: 0, records }];
  const { responses } = await client.request(Produce, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic.name, topicId: topic.id, partitionData }],
  });
  const outcome = responses[0]?.partitionResponses[0];
  if (!outcome) throw new Error("Produce answers without its partition");
  return outcome;
}

/** Both protocols refuse a large record with their own code and a message that says why. */
async function expectRefusals(client: KafkaClient, voik: VoikProcess, topic: Topic): Promise<void> {
  const value = random.bytes(900_000);
  const batch = new BatchBuilder();
  batch.add(null, value, Date.now());
  const { errorCode, errorMessage } = await produce(client, topic, batch.build());
  expect(errorCode).toBe(KAFKA_STORAGE_ERROR);
  expect(errorMessage).toContain("disk full");

  const kinesis = new KinesisClient({
    endpoint: voik.addresses.kinesis,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  const record = { PartitionKey: "k", Data: value };
  const refusal = await kinesis
    .send(new PutRecordCommand({ StreamName: topic.name, ...record }))
    .then(() => undefined)
    .catch((error) => error);
  expect(refusal?.name).toBe("InternalFailure");
  expect(refusal?.$metadata?.httpStatusCode).toBe(500);
  expect(refusal?.message).toContain("disk full");
  const answer = await kinesis.send(new PutRecordsCommand({ StreamName: topic.name, Records: [record] }));
  expect(answer.Records?.map(({ ErrorCode }) => ErrorCode)).toEqual(["InternalFailure"]);
  kinesis.destroy();
}

async function deleteTopic(client: KafkaClient, { name }: Topic): Promise<void> {
  const wanted = { topics: [{ name }], topicNames: [name], timeoutMs: 10_000 };
  const { responses } = await client.request(DeleteTopics, wanted);
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([0]);
}

/** Bytes of all log files of a data folder. */
function logBytes(folder: string): number {
  const names = readdirSync(join(folder, "streams"), { recursive: true }) as string[];
  return names
    .filter((name) => /\.log(\.pending)?$/.test(name))
    .reduce((bytes, name) => bytes + statSync(join(folder, "streams", name)).size, 0);
}
