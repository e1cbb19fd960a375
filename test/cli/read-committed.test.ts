/** `voik consume` and transactions: what is committed comes out, and all of it when that is asked for. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { type Topic, TransactionalProducer } from "../helpers/transactional-producer.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

let voik: VoikProcess;
let client: KafkaClient;

beforeAll(async () => {
  voik = await VoikProcess.start();
  const [host = "", port] = voik.addresses.kafka.split(":");
  client = await KafkaClient.connect({ host, port: Number(port), clientId: "test" });
});
afterAll(async () => {
  client.close();
  await voik[Symbol.asyncDispose]();
});

async function cli(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, "--broker", voik.addresses.kafka]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

async function createTopic(name: string): Promise<Topic> {
  await cli("stream", "create", name);
  const { topics } = await client.request(Metadata, { topics: [{ name }], allowAutoTopicCreation: false });
  return { name, id: topics[0]?.topicId ?? "" };
}

test("consume leaves out aborted records and stops before an open transaction, unless all is wanted", async () => {
  const topic = await createTopic("mixed");
  const one = await TransactionalProducer.start(client, "one");
  const two = await TransactionalProducer.start(client, "two");
  await one.send(topic, 0, ["a1", "a2"]);
  await two.send(topic, 0, ["b1"]);
  await one.end(false);
  await two.send(topic, 0, ["b2"]);
  await two.end(true);
  await one.send(topic, 0, ["c1"]);
  await one.end(true);
  await two.send(topic, 0, ["open"]);
  expect(await cli("consume", "mixed")).toBe("b1\nb2\nc1\n");
  expect(await cli("consume", "mixed", "--from", "1")).toBe("b1\nb2\nc1\n");
  expect(await cli("consume", "mixed", "--group", "readers")).toBe("b1\nb2\nc1\n");
  expect(await cli("consume", "mixed", "--uncommitted")).toBe("a1\na2\nb1\nb2\nc1\nopen\n");
});

test("consume --follow writes an open transaction when it is committed", async () => {
  const topic = await createTopic("later");
  const producer = await TransactionalProducer.start(client, "later");
  await producer.send(topic, 0, ["1", "2"]);
  const consumed = cli("consume", "later", "--follow", "--count", "2");
  expect(await cli("consume", "later")).toBe("");
  await producer.end(true);
  expect(await consumed).toBe("1\n2\n");
});
