/** SubscribeToShard through AWS's client over both transports: push, heartbeats, takeover, the end of a shard. */
import { afterEach, describe, expect, test } from "bun:test";
import * as k from "@aws-sdk/client-kinesis";
import http2 from "node:http2";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { SHARD, start, stopAll, subscribe } from "./subscriber.ts";
import { appendRecords } from "../helpers/append-records.ts";

afterEach(stopAll);

const errorOf = (answer: Promise<unknown>) =>
  answer.then(
    () => "no error",
    (error: Error) => `${error.name}: ${error.message}`,
  );

const transports: [string, () => Partial<k.KinesisClientConfig>][] = [
  ["HTTP/2", () => ({})],
  ["HTTP/1.1", () => ({ requestHandler: new NodeHttpHandler() })],
];

for (const [name, transport] of transports) {
  describe(name, () => {
    test("what is there comes first, then what is put, each once and in order", async () => {
      const setup = await start(transport());
      const before = [await setup.put("a"), await setup.put("b")];
      const reader = await subscribe(setup);
      const got = await reader.records(2);
      for (const key of ["c", "d", "e"]) before.push(await setup.put(key));
      got.push(...(await reader.records(3)));
      expect(got.map((record) => record.SequenceNumber)).toEqual(before);
      expect(got.map((record) => Buffer.from(record.Data ?? []).toString()).join("")).toBe("abcde");
      await reader.leave();
    });

    test("a quiet shard sends an empty event before five seconds are over, with where to go on", async () => {
      const setup = await start(transport());
      const reader = await subscribe(setup);
      const first = reader.next();
      setup.clock.pass(4_900);
      const event = await first;
      expect(event).toMatchObject({ Records: [], MillisBehindLatest: 0 });
      await setup.put("after");
      await reader.leave();
      setup.clock.pass(5_000);
      const SequenceNumber = event?.ContinuationSequenceNumber;
      const again = await subscribe(setup, { Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber });
      expect((await again.records(1))[0]?.PartitionKey).toBe("after");
      await again.leave();
    });
  });
}

/** Opens a subscription by hand; gives what hangs up once the first frame is there. */
const HANG_UPS: [
  string,
  (url: string, headers: Record<string, string>, body: string) => Promise<() => void>,
][] = [
  [
    "HTTP/1.1",
    async (url, headers, body) => {
      const hangUp = new AbortController();
      const response = await fetch(url, { method: "POST", headers, body, signal: hangUp.signal });
      await response.body?.getReader().read();
      return () => hangUp.abort();
    },
  ],
  [
    "HTTP/2",
    async (url, headers, body) => {
      const session = http2.connect(url);
      const request = session.request({ ":method": "POST", ":path": "/", ...headers });
      request.on("error", () => {});
      request.end(body);
      await new Promise((resolve) => request.once("data", resolve));
      return () => session.destroy();
    },
  ],
];

test.each(HANG_UPS)("a client that hangs up over %s leaves nothing behind", async (_name, open) => {
  const { harness, consumer } = await start();
  const log = [...harness.memory.logs.byFolder.values()][0];
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.SubscribeToShard",
  };
  const body = { ConsumerARN: consumer, ShardId: SHARD, StartingPosition: { Type: "LATEST" } };
  const hangUp = await open(harness.url, headers, JSON.stringify(body));
  while (log?.listenerCount === 0) await Bun.sleep(1);
  hangUp();
  while (log?.listenerCount !== 0) await Bun.sleep(1);
  expect(log.listenerCount).toBe(0);
});

test("LATEST gives only what comes afterwards", async () => {
  const setup = await start();
  await setup.put("old");
  const reader = await subscribe(setup, { Type: "LATEST" });
  await setup.put("new");
  expect((await reader.records(1))[0]?.PartitionKey).toBe("new");
  await reader.leave();
});

test("at the end of a split shard the last event names the children and no place to go on", async () => {
  const setup = await start();
  await setup.put("a");
  const reader = await subscribe(setup);
  await reader.records(1);
  const NewStartingHashKey = String(2n ** 127n);
  await setup.client.send(
    new k.SplitShardCommand({ StreamName: "s", ShardToSplit: SHARD, NewStartingHashKey }),
  );
  const last = await reader.next();
  expect(last?.Records).toEqual([]);
  expect(last?.ContinuationSequenceNumber).toBeUndefined();
  expect(last?.ChildShards?.map((child) => [child.ShardId, child.ParentShards])).toEqual([
    ["shardId-000000000001", [SHARD]],
    ["shardId-000000000002", [SHARD]],
  ]);
  expect(await reader.next()).toBeUndefined();
});

test("a second subscription is refused for five seconds and then takes over", async () => {
  const setup = await start();
  const first = await subscribe(setup);
  const taken = `Another active subscription exists for this consumer: 111122223333:s:${SHARD}:c`;
  expect(await errorOf(subscribe(setup))).toBe(`ResourceInUseException: ${taken}`);
  const ended = errorOf(first.records(1));
  setup.clock.pass(5_000);
  const second = await subscribe(setup);
  expect(await ended).toBe(`ResourceInUseException: ${taken}`);
  await setup.put("a");
  expect(await second.records(1)).toHaveLength(1);
  await second.leave();
});

test("after five minutes the stream ends, and another subscription goes on", async () => {
  const setup = await start();
  await setup.put("a");
  const reader = await subscribe(setup);
  await reader.records(1);
  setup.clock.pass(300_000);
  let event = await reader.next();
  while (event !== undefined) event = await reader.next();
  const again = await subscribe(setup);
  await again.records(1);
  await again.leave();
});

test("deleting the stream or the consumer ends its subscriptions", async () => {
  const setup = await start();
  const reader = await subscribe(setup);
  await setup.client.send(new k.DeregisterStreamConsumerCommand({ ConsumerARN: setup.consumer }));
  expect(await reader.next()).toBeUndefined();
  expect(await errorOf(subscribe(setup))).toStartWith("ResourceNotFoundException: Consumer c");

  const other = await start();
  const orphan = await subscribe(other);
  const ended = errorOf(orphan.records(1));
  await other.client.send(new k.DeleteStreamCommand({ StreamName: "s", EnforceConsumerDeletion: true }));
  expect(await ended).toStartWith("ResourceNotFoundException");
});

test("what can't be subscribed to is refused before the stream begins", async () => {
  const setup = await start();
  const command = (more: object) =>
    setup.client.send(
      new k.SubscribeToShardCommand({
        ConsumerARN: setup.consumer,
        ShardId: SHARD,
        StartingPosition: { Type: "LATEST" },
        ...more,
      }),
    );
  expect(await errorOf(command({ ShardId: "shardId-000000000007" }))).toStartWith(
    "ResourceNotFoundException",
  );
  const gone = setup.consumer.replace(/\d+$/, "1");
  expect(await errorOf(command({ ConsumerARN: gone }))).toStartWith("ResourceNotFoundException: Consumer c");
  const type = { StartingPosition: { Type: "AT_SEQUENCE_NUMBER" } };
  expect(await errorOf(command(type))).toStartWith("InvalidArgumentException");
  expect(await errorOf(command({ DryRun: true }))).toStartWith("DryRunOperationException");
  const reader = await subscribe(setup);
  await reader.leave();
});

test("a subscriber that does not read holds one event and no more", async () => {
  const setup = await start();
  const { port } = setup.harness.server;
  const shard = setup.harness.memory.broker.streamByName("s")?.shards[0];
  const records = Array.from({ length: 64 }, (_, i) => ({
    partitionKey: String(i),
    data: Buffer.alloc(1024 * 1024 - 8, i),
  }));
  const stream = setup.harness.memory.broker.streamByName("s");
  if (stream === undefined || shard === undefined) throw new Error("no stream");
  await appendRecords(setup.harness.memory.broker, stream, records);
  let reads = 0;
  const locate = shard.log.locate.bind(shard.log);
  Object.assign(shard.log, {
    locate: (offset: number, bytes: number) => {
      reads = Math.max(reads, offset);
      return locate(offset, bytes);
    },
  });
  const body = JSON.stringify({
    ConsumerARN: setup.consumer,
    ShardId: SHARD,
    StartingPosition: { Type: "TRIM_HORIZON" },
  });
  const opened = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(self) {
        self.pause();
        opened.resolve();
      },
    },
  });
  socket.write(
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.1\r\n` +
      `x-amz-target: Kinesis_20131202.SubscribeToShard\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await opened.promise;
  // Kernel buffers take a few megabytes; then the server must stand still.
  let before = -1;
  while (before !== reads || reads === 0) {
    before = reads;
    await Bun.sleep(100);
  }
  expect(reads).toBeLessThan(32);
  socket.terminate();
});
