/**
 * However requests are cut into packets (BAD-INPUT 38), they get the answers that they get one by one, in order: ten
 * thousand in one packet, one byte a packet, two packets split at each byte.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { FindCoordinator } from "../../src/kafka/messages/10-find-coordinator.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { DescribeConfigs } from "../../src/kafka/messages/32-describe-configs.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";

const REQUESTS_IN_A_PACKET = 10_000;
const TOPIC = "orders";

const topics = [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }];
const fetch = { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics, forgottenTopicsData: [] };
const offsets = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
const configs = [{ resourceType: 2, resourceName: TOPIC, configurationKeys: null }];
const refused = { acks: -1, timeoutMs: 1000, topicData: [{ name: "?", partitionData: [] }] };

/** One of each kind, by its correlation id. */
const KINDS: ((id: number) => Buffer)[] = [
  (id) => frameOf(ApiVersions, 0, {}, id),
  (id) => frameOf(ApiVersions, 3, { clientSoftwareName: "a", clientSoftwareVersion: "1" }, id),
  (id) => frameOf(Metadata, 9, { topics: [{ name: TOPIC }] }, id),
  (id) => frameOf(Produce, 9, refused, id),
  (id) => frameOf(Fetch, 12, fetch, id),
  (id) => frameOf(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: offsets, timeoutMs: 0 }, id),
  (id) => frameOf(FindCoordinator, 2, { key: "group", keyType: 0, coordinatorKeys: [] }, id),
  (id) => frameOf(DescribeConfigs, 4, { resources: configs }, id),
];

let kafka: TestKafka;
/** What each kind is answered, behind the correlation id. */
let answers: string[];

beforeAll(async () => {
  kafka = await startTestKafka({ onDisk: true });
  await kafka.broker.createStream({ name: TOPIC, shardCount: 1 });
  const client = await kafka.client();
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: batchOf(["a", "b"]) }] }];
  await client.request(Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
  answers = [];
  for (const kind of KINDS) {
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(kind(0));
    answers.push((await connection.reply()).toString("hex", 4));
    connection.end();
  }
  expect(new Set(answers).size).toBe(KINDS.length);
});
afterAll(() => kafka.close());

/** `count` requests, of all kinds in turn. */
function requests(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, id) => (KINDS[id % KINDS.length] as (typeof KINDS)[0])(id)),
  );
}

/** Takes the answers to `requests` from number `from` to `to`, and throws on the first that is not the one due. */
async function expectAnswers(connection: RawConnection, from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) {
    const reply = await connection.reply();
    if (reply.readInt32BE(0) !== id)
      throw new Error(`${reply.readInt32BE(0)} is answered where ${id} is due`);
    if (reply.toString("hex", 4) !== answers[id % KINDS.length])
      throw new Error(`request ${id} is answered otherwise than alone: ${reply.toString("hex")}`);
  }
}

test(`${REQUESTS_IN_A_PACKET} requests in one packet are answered as each alone, in order`, async () => {
  const connection = await RawConnection.open(kafka.port);
  connection.socket.write(requests(REQUESTS_IN_A_PACKET));
  await expectAnswers(connection, 0, REQUESTS_IN_A_PACKET);
  expect(connection.received.length).toBe(0);
  connection.end();
}, 30_000);

test("requests that come one byte at a time are answered as each alone", async () => {
  const connection = await RawConnection.open(kafka.port);
  const bytes = requests(KINDS.length);
  for (let at = 0; at < bytes.length; at++) {
    connection.socket.write(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expectAnswers(connection, 0, KINDS.length);
  connection.end();
});

test("requests in two packets, split at each byte, are answered as each alone", async () => {
  const bytes = requests(KINDS.length);
  const ends = Array.from({ length: KINDS.length }, (_, i) => requests(i + 1).length);
  for (let split = 1; split < bytes.length; split++) {
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(bytes.subarray(0, split));
    // What stands in front of the split is answered before the rest is on its way.
    const early = ends.filter((end) => end <= split).length;
    await expectAnswers(connection, 0, early);
    await new Promise((resolve) => setImmediate(resolve));
    connection.socket.write(bytes.subarray(split));
    await expectAnswers(connection, early, KINDS.length);
    connection.end();
  }
});
