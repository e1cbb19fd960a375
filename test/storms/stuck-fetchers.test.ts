/**
 * Consumers that ask for much and never read (BAD-INPUT 47; VOIK_STUCK_FETCHERS asks for more): what each costs is bounded,
 * and a producer beside them hardly notices.
 */
import type { Socket } from "bun";
import { expect, test } from "bun:test";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { GoodClient } from "../helpers/good-client.ts";
import { frameOf } from "../helpers/kafka.ts";
import { produceBatch } from "../helpers/kafka-records.ts";
import { batchOf } from "../helpers/log.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const FETCHERS = Number(process.env.VOIK_STUCK_FETCHERS ?? 200);
/** Each asks for so many replies of all that is stored. */
const REQUESTS = 4;
const BATCH_BYTES = 1_000_000;
const BATCHES = 16;
const STORED = "stored";
/** Of what each is owed, 64 MB, so much may be held for it. */
const BYTES_EACH_MAX = 256 * 1024;
const REPLIES = 300;
const P99_TIMES_MAX = 2;
/** Less than this may come from anything that runs beside. */
const P99_MS_MIN = 20;

/** A connection that sends `request` and never reads. */
async function stuck(port: number, request: Uint8Array): Promise<Socket> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, error() {} } });
  socket.pause();
  socket.write(request);
  return socket;
}

test("47: consumers that never read what they asked for cost little, and nobody else notices", async () => {
  await using voik = await VoikProcess.start();
  const topic = await makeTopic(voik, STORED, 1);
  await withKafka(voik, async (client) => {
    for (let i = 0; i < BATCHES; i++)
      await produceBatch(client, topic, 0, batchOf(["x".repeat(BATCH_BYTES)]));
  });
  const wish = { maxWaitMs: 0, minBytes: 1, maxBytes: 2 ** 31 - 1, forgottenTopicsData: [] };
  const topics = [
    { topic: STORED, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 31 - 1 }] },
  ];
  const request = Buffer.concat(Array(REQUESTS).fill(frameOf(Fetch, 11, { ...wish, topics })));

  const good = await GoodClient.start(voik);
  await good.moreReplies(REPLIES); // warms up
  const alone = (await good.moreReplies(REPLIES)).p99;
  const before = voik.residentBytes();
  const sockets = await Promise.all(Array.from({ length: FETCHERS }, () => stuck(voik.kafkaPort, request)));
  await good.moreReplies(REPLIES);
  const beside = (await good.moreReplies(REPLIES)).p99;
  const bytesEach = (voik.peakResidentBytes() - before) / FETCHERS;
  console.log(
    `${FETCHERS} stuck fetchers: ${(bytesEach / 1e3).toFixed(0)} KB each at the peak; produce p99 ${alone.toFixed(2)} ms ` +
      `alone, ${beside.toFixed(2)} ms beside them`,
  );
  expect(await voik.metric("voik_kafka_connections")).toBe(FETCHERS + 1);
  expect(bytesEach).toBeLessThan(BYTES_EACH_MAX);
  expect(beside).toBeLessThan(Math.max(alone * P99_TIMES_MAX, P99_MS_MIN));
  for (const socket of sockets) socket.terminate();
  await good.finish();
  await voik.stop();
}, 60_000);
