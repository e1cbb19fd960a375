/** Many subscribers of one shard share what is read and encoded; under AWS's limits each gets 2 MiB a second. */
import { afterEach, expect, test } from "bun:test";
import type * as k from "@aws-sdk/client-kinesis";
import { TimerClock } from "../helpers/timer-clock.ts";
import { ManualClock } from "./kinesis-harness.ts";
import { type Setup, SHARD, start, stopAll, subscribe } from "./subscriber.ts";
import { appendRecords } from "../helpers/append-records.ts";

const MIB = 1024 * 1024;
afterEach(stopAll);

/** The shard of the stream "s", and what is asked of its log from now on. */
function watch({ harness }: Setup) {
  const stream = harness.memory.broker.streamByName("s");
  const log = stream?.shards[0]?.log;
  if (stream === undefined || log === undefined) throw new Error("no stream");
  let locates = 0;
  const locate = log.locate.bind(log);
  Object.assign(log, {
    locate(...where: Parameters<typeof locate>) {
      locates++;
      return locate(...where);
    },
  });
  return {
    append: (...bytes: number[]) =>
      appendRecords(
        harness.memory.broker,
        stream,
        bytes.map((count, i) => ({ partitionKey: String(i), data: Buffer.alloc(count, i) })),
      ),
    locates: () => locates,
  };
}

/** The bytes that come over a subscription of a consumer of its own. */
async function open(setup: Setup, name: string) {
  const { Consumer } = (await setup.harness.ok("RegisterStreamConsumer", {
    StreamARN: setup.consumer.split("/consumer/")[0],
    ConsumerName: name,
  })) as unknown as { Consumer: k.Consumer };
  const response = await fetch(setup.harness.url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "Kinesis_20131202.SubscribeToShard",
    },
    body: JSON.stringify({
      ConsumerARN: Consumer.ConsumerARN,
      ShardId: SHARD,
      StartingPosition: { Type: "LATEST" },
    }),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read(); // the initial response
  return {
    async event() {
      return Buffer.from((await reader.read()).value ?? []).toString("latin1");
    },
    leave: () => reader.cancel(),
  };
}

test("an event is read and encoded once for all that wait for it, and each gets the same bytes", async () => {
  const setup = await start();
  const one = await open(setup, "alone");
  const { append, locates } = watch(setup);
  await append(100, 200);
  const alone = await one.event();
  const readsForOne = locates();
  expect([readsForOne > 0, alone.includes('"MillisBehindLatest":0')]).toEqual([true, true]);

  const many = [one];
  for (let i = 0; i < 18; i++) many.push(await open(setup, `c${i}`));
  // Who has begun to wait has looked once, and found nothing.
  while (locates() < readsForOne + 18) await Bun.sleep(1);
  const before = locates();
  await append(100, 200);
  const events = await Promise.all(many.map((subscriber) => subscriber.event()));
  expect(new Set(events).size).toBe(1);
  expect(events[0]).toContain('"PartitionKey":"1"');
  expect(locates() - before).toBe(readsForOne);
  for (const subscriber of many) await subscriber.leave();
});

const bytesOf = (event: k.SubscribeToShardEvent | undefined) =>
  (event?.Records ?? []).reduce((sum, { Data }) => sum + (Data?.length ?? 0), 0);

/** A server with AWS's limits, whose time stands until the test lets it pass. */
const limited = () => start({}, { rates: "aws" }, new TimerClock(new ManualClock()));

test("under AWS's limits a subscription gets 2 MiB and then waits for the next second", async () => {
  const setup = await limited();
  await watch(setup).append(...Array.from({ length: 9 }, () => MIB / 2));
  const reader = await subscribe(setup);
  for (let second = 0; second < 2; second++) {
    // The first of the second second was waited for.
    for (let i = second; i < 4; i++) expect(bytesOf(await reader.next())).toBe(MIB / 2);
    let came = false;
    const next = reader.next().then((event) => {
      came = true;
      return event;
    });
    setup.clock.pass(900);
    // Other requests go there and back, and the next event does not come.
    for (let i = 0; i < 3; i++) await setup.harness.iterator("s", "LATEST");
    expect(came).toBe(false);
    setup.clock.pass(100);
    const event = await next;
    expect([bytesOf(event), event?.MillisBehindLatest === 0]).toEqual([MIB / 2, second === 1]);
  }
  await reader.leave();
});

test("while a record of 10 MiB is paid off, subscribers are told that they are behind", async () => {
  const setup = await limited();
  await watch(setup).append(10 * MIB, 1);
  const reader = await subscribe(setup);
  const large = await reader.next();
  expect(bytesOf(large)).toBe(10 * MIB);
  const heartbeat = reader.next();
  setup.clock.pass(4_500);
  expect(await heartbeat).toMatchObject({
    Records: [],
    ContinuationSequenceNumber: large?.Records?.[0]?.SequenceNumber,
    MillisBehindLatest: expect.any(Number),
  });
  const next = reader.next();
  setup.clock.pass(500);
  expect(bytesOf(await next)).toBe(1);
  await reader.leave();
});

test("without them it gets all there is at once", async () => {
  const setup = await start();
  await watch(setup).append(...Array.from({ length: 12 }, () => MIB / 2));
  const reader = await subscribe(setup);
  for (let bytes = 0; bytes < 6 * MIB;) bytes += bytesOf(await reader.next());
  await reader.leave();
});
