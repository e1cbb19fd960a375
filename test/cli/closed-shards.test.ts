/** `voik produce` on streams with closed shards: a split leaves the parent readable, and takes no writes there. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  CreateStreamCommand,
  KinesisClient,
  SplitShardCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { Relay } from "../helpers/relay.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";
import { RunningCli } from "./running-cli.ts";

const LINES = Array.from({ length: 60 }, (_, i) => `key-${i % 20}=${i}`);

let voik: VoikProcess;
let kinesis: KinesisClient;

beforeAll(async () => {
  voik = await VoikProcess.start();
  kinesis = new KinesisClient({
    endpoint: voik.addresses.kinesis,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
});
afterAll(async () => {
  kinesis.destroy();
  await voik[Symbol.asyncDispose]();
});

async function cli(args: readonly string[], stdin?: string): Promise<string> {
  const options = stdin === undefined ? {} : { stdin };
  const { code, stdout, stderr } = await runCli([...args, "--broker", voik.addresses.kafka], options);
  expect([code, stderr.replace(/^\d+ records acknowledged in [\d.]+ s\n$/, "")]).toEqual([0, ""]);
  return stdout;
}

async function createStream(StreamName: string, ShardCount: number): Promise<void> {
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
  await waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { StreamName });
}

/** Closes shard 0 of a stream of `of` shards, in favour of two new ones. */
async function splitFirst(StreamName: string, of: bigint): Promise<void> {
  const NewStartingHashKey = (2n ** 127n / of).toString();
  const split = { StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey };
  await kinesis.send(new SplitShardCommand(split));
}

interface Line {
  shard: number;
  key: string | null;
  value: string;
}

async function read(stream: string): Promise<Line[]> {
  const lines = (await cli(["consume", stream, "--format", "json"])).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

/** The values of each key, in the order in which they lie in their shard. */
function byKey(lines: readonly Line[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { key, value } of lines) (found[key ?? ""] ??= []).push(value);
  return found;
}

const WRITTEN = byKey(
  LINES.map((line) => ({
    shard: 0,
    key: line.slice(0, line.indexOf("=")),
    value: line.slice(line.indexOf("=") + 1),
  })),
);

test("lines with and without keys go to open shards only, each key to one of them and in order", async () => {
  await createStream("split", 2);
  await splitFirst("split", 2n);
  await cli(["produce", "split", "--key-separator", "="], `${LINES.join("\n")}\n`);
  const keyed = await read("split");
  expect(byKey(keyed)).toEqual(WRITTEN);
  const places = new Set(keyed.map(({ key, shard }) => `${key} ${shard}`));
  expect(places.size).toBe(20);
  expect([...new Set(keyed.map(({ shard }) => shard))].sort()).toEqual([1, 2, 3]);
  for (let i = 0; i < 2; i++) await cli(["produce", "split"], "without a key\n");
  expect((await read("split")).length).toBe(LINES.length + 2);
});

test("a shard that is closed while lines come in costs none of them", async () => {
  await createStream("later", 1);
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const args = [main, "produce", "later", "--key-separator", "=", "--broker", voik.addresses.kafka];
  const producer = Bun.spawn([process.execPath, ...args], { stdin: "pipe", stderr: "pipe" });
  producer.stdin.write(`${LINES.slice(0, 30).join("\n")}\n`);
  await producer.stdin.flush();
  await cli(["consume", "later", "--follow", "--count", "30"]);
  await splitFirst("later", 1n);
  producer.stdin.write(`${LINES.slice(30).join("\n")}\n`);
  await producer.stdin.end();
  expect([await producer.exited, await producer.stderr.text()]).toEqual([
    0,
    expect.stringContaining("60 records acknowledged"),
  ]);
  const lines = await read("later");
  expect(byKey(lines)).toEqual(WRITTEN);
  const places = new Set(lines.filter(({ shard }) => shard > 0).map(({ key, shard }) => `${key} ${shard}`));
  expect(places.size).toBe(20);
});

test("records whose answer was lost before their shard was closed are not written twice", async () => {
  await createStream("once", 1);
  await using relay = await Relay.start(voik.kafkaPort);
  const producer = new RunningCli(relay.address, "produce", "once");
  producer.write("1\n");
  await cli(["consume", "once", "--follow", "--count", "1"]);
  relay.mute = true;
  producer.write("2\n3\n");
  await cli(["consume", "once", "--follow", "--count", "3"]);
  await splitFirst("once", 1n);
  relay.cut();
  relay.mute = false;
  producer.write("4\n");
  expect(await producer.end()).toBe(0);
  expect(producer.stderr).toMatch(/\n4 records acknowledged /);
  expect((await read("once")).map(({ value }) => value)).toEqual(["1", "2", "3", "4"]);
});
