/**
 * Very many connections that say nothing (BAD-INPUT 45; VOIK_IDLE_CONNECTIONS asks for more): all are taken, at less than
 * 15 KB each, and a producer beside them hardly notices. Over the cap they are closed, and the log says why.
 */
import { expect, test } from "bun:test";
import { descriptorLimit } from "../../src/base/descriptor-limit.ts";
import { Crowd } from "../helpers/crowd.ts";
import { GoodClient } from "../helpers/good-client.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const CONNECTIONS = Number(process.env.VOIK_IDLE_CONNECTIONS ?? 1_000);
const BYTES_EACH_MAX = 15_000;
const P99_TIMES_MAX = 2;
/** Less than this may come from anything that runs beside. */
const P99_MS_MIN = 10;
const ROUNDS = 5;
const REPLIES_A_ROUND = 200;
/** Of the test's own process, besides the connections. */
const OTHER_DESCRIPTORS = 200;
const CAP = 50;

test("45: very many idle connections are taken, small and unnoticed", async () => {
  if (descriptorLimit() < CONNECTIONS + OTHER_DESCRIPTORS)
    throw new Error(`${CONNECTIONS} connections need as many descriptors: raise ulimit -n`);
  await using voik = await VoikProcess.start({ args: ["--connections-max", `${CONNECTIONS + CAP}`] });
  const good = await GoodClient.start(voik);
  (await Crowd.gather(voik.kafkaPort, CONNECTIONS / 10)).leave();
  await good.moreReplies(REPLIES_A_ROUND); // warms up
  const alone = await calmest(good);
  const before = voik.residentBytes();
  const crowd = await Crowd.gather(voik.kafkaPort, CONNECTIONS);
  const beside = await calmest(good);
  const bytesEach = (voik.residentBytes() - before) / CONNECTIONS;
  console.log(
    `${CONNECTIONS} idle connections: ${(bytesEach / 1e3).toFixed(1)} KB each; produce p99 ${alone.toFixed(2)} ms alone, ` +
      `${beside.toFixed(2)} ms beside them (the calmest of ${ROUNDS} times ${REPLIES_A_ROUND})`,
  );
  expect(crowd.open).toBe(CONNECTIONS);
  expect(await voik.metric("voik_kafka_connections")).toBe(CONNECTIONS + 1);
  expect(bytesEach).toBeLessThan(BYTES_EACH_MAX);
  expect(beside).toBeLessThan(Math.max(alone * P99_TIMES_MAX, P99_MS_MIN));
  crowd.leave();
  await good.finish();
  await voik.stop();
}, 120_000);

/** The lowest p99 of some rounds: other work on this machine only ever adds to it. */
async function calmest(good: GoodClient): Promise<number> {
  const rounds: number[] = [];
  while (rounds.length < ROUNDS) rounds.push((await good.moreReplies(REPLIES_A_ROUND)).p99);
  return Math.min(...rounds);
}

test("45: connections over the cap are closed, with a line in the log, and the others are served", async () => {
  await using voik = await VoikProcess.start({ args: ["--connections-max", `${CAP}`] });
  const good = await GoodClient.start(voik);
  const crowd = await Crowd.gather(voik.kafkaPort, CAP * 3);
  while (crowd.open > CAP - 1) await good.moreReplies(1);
  await good.moreReplies(200);
  expect(crowd.open).toBe(CAP - 1);
  expect(await voik.metric('voik_kafka_connections_ended_total{reason="connections"}')).toBe(CAP * 2 + 1);
  expect(voik.stderr.match(/as many as --connections-max allows/g)).toHaveLength(1);
  crowd.leave();
  await good.finish();
  await voik.stop();
});
