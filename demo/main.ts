/**
 * `make demo`: a real public data set goes in through Kinesis (PutRecords of the AWS SDK) and comes out through
 * Kafka, is compared byte for byte, survives kill -9, and is compared again. Exit code 0 when all of that held.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { type DemoRecord, readDataSet } from "./data-set.ts";
import { readThroughKafka } from "./kafka-reader.ts";
import { startBroker } from "./broker-process.ts";

const STREAM = "birdstrikes";
const SHARDS = 4;
const RECORDS_PER_REQUEST = 500;

const say = (line: string) => process.stdout.write(`${line}\n`);
const seconds = (startMs: number) => `${((performance.now() - startMs) / 1000).toFixed(2)} s`;

function kinesisClient(endpoint: string): KinesisClient {
  const credentials = { accessKeyId: "demo", secretAccessKey: "demo" };
  return new KinesisClient({ endpoint, region: "us-east-1", credentials });
}

/** Writes every record, in order; a record that is refused fails the demo. */
async function putAll(client: KinesisClient, records: readonly DemoRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += RECORDS_PER_REQUEST) {
    const Records = records
      .slice(at, at + RECORDS_PER_REQUEST)
      .map(({ key, data }) => ({ PartitionKey: key, Data: data }));
    const reply = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
    if (reply.FailedRecordCount !== 0) throw new Error(`${reply.FailedRecordCount} records were refused`);
  }
}

/** Both sides grouped by key: within a key the order has to be the same, between keys it is the shards' affair. */
function compare(sent: readonly DemoRecord[], read: readonly DemoRecord[]): void {
  if (read.length !== sent.length) throw new Error(`${sent.length} records went in, ${read.length} came out`);
  const byKey = Map.groupBy(read, (record) => record.key);
  for (const [key, expected] of Map.groupBy(sent, (record) => record.key)) {
    const found = byKey.get(key) ?? [];
    const same =
      found.length === expected.length && expected.every(({ data }, i) => data.equals(found[i]!.data));
    if (!same) throw new Error(`the records of key "${key}" differ`);
  }
}

async function demo(folder: string): Promise<void> {
  const records = readDataSet();
  const bytes = records.reduce((sum, { data }) => sum + data.length, 0);
  say(
    `data set       ${records.length} reports of birds hitting aircraft, ${bytes} bytes (FAA, public domain)`,
  );
  let broker = await startBroker(folder);
  try {
    say(`started        dist/voik, ready after ${broker.readyMs.toFixed(0)} ms`);
    const client = kinesisClient(broker.addresses.kinesis);
    await client.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: SHARDS }));
    let startMs = performance.now();
    await putAll(client, records);
    client.destroy();
    say(
      `in: Kinesis    ${records.length} records by PutRecords in ${seconds(startMs)}, each on the disk when acknowledged`,
    );

    startMs = performance.now();
    compare(records, await readThroughKafka(broker.addresses.kafka, STREAM));
    say(
      `out: Kafka     the same ${records.length} records in ${seconds(startMs)}, byte for byte, in order per key`,
    );

    await broker.kill();
    broker = await startBroker(folder);
    say(`kill -9        started again, ready after ${broker.readyMs.toFixed(0)} ms`);
    compare(records, await readThroughKafka(broker.addresses.kafka, STREAM));
    say(`out: Kafka     still the same ${records.length} records`);
    await broker.stop();
    say("stopped        SIGTERM, exit code 0");
  } finally {
    await broker.kill();
  }
}

const folder = mkdtempSync(join(tmpdir(), "voik-demo-"));
try {
  await demo(folder);
  say("demo passed");
} catch (error) {
  say(`demo failed    ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
