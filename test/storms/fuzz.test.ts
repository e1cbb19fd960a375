/**
 * Random and mutated frames against the executable, many connections at once (BAD-INPUT 35): it lives, a good client is
 * unharmed, memory grows by less than 64 MiB, no descriptor stays but of logs. Once open to everybody, once by a client
 * that has logged in and may do everything. VOIK_FUZZ_FRAMES asks for more frames, and what memory does over them is
 * printed.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { seededRandom } from "../../src/base/random.ts";
import { fuzzFrames } from "../helpers/fuzz-frames.ts";
import { type FuzzCounts, runLane } from "../helpers/fuzz-lane.ts";
import type { FuzzLogin } from "../helpers/fuzz-line.ts";
import { GoodClient } from "../helpers/good-client.ts";
import { run } from "../helpers/installed.ts";
import { settled } from "../helpers/settled.ts";
import { voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const FRAMES = Number(process.env.VOIK_FUZZ_FRAMES ?? 10_000);
const LANES = 32;
const GROWTH_BYTES_MAX = 64 << 20;
const ROUNDS = 10;
const TIMEOUT_MS = 60_000 + FRAMES * 10;
/** So that what the frames create stays within bounds that are soon reached. */
const LIMITS = ["--shard-count-max", "50"];
const LOGIN = { user: "fuzzer", password: "correct horse" };

/** Sends that many frames over all lanes; resolves to what became of them. */
async function fuzz(port: number, seed: number, count: number, login?: FuzzLogin): Promise<FuzzCounts> {
  const frames = fuzzFrames(seededRandom(seed));
  const counts = { passed: 0, closing: 0, left: 0 };
  let left = count;
  const next = () => (left-- > 0 ? frames.next().value : undefined);
  const target = { port, next, counts, ...(login && { login }) };
  await Promise.all(Array.from({ length: LANES }, () => runLane(target)));
  return counts;
}

async function withstands(voik: VoikProcess, login?: FuzzLogin): Promise<void> {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  const good = await GoodClient.start(voik, login && { login: { mechanism: "SCRAM-SHA-256", ...login } });
  await fuzz(voik.kafkaPort, SEED, FRAMES / ROUNDS, login); // warms up: code is compiled, heaps have their size
  await settled(voik, () => voik.metric("voik_kafka_connections"), 1);
  const descriptors = voik.otherDescriptors();
  const before = voik.residentBytes();
  writeFileSync(`/proc/${voik.pid}/clear_refs`, "5"); // resets the peak
  const sum = { passed: 0, closing: 0, left: 0 };
  const growthMb: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const counts = await fuzz(voik.kafkaPort, SEED + round, FRAMES / ROUNDS, login);
    for (const key of ["passed", "closing", "left"] as const) sum[key] += counts[key];
    growthMb.push(Math.round((voik.residentBytes() - before) / 1e6));
  }
  await settled(voik, () => voik.metric("voik_kafka_connections"), 1);
  await settled(voik, voik.otherDescriptors.bind(voik), descriptors);
  const growth = voik.peakResidentBytes() - before;
  const { passed, closing, left } = sum;
  console.log(
    `${FRAMES} frames: ${passed} answered, ${closing} closed the connection, ${left} left waiting; resident memory ` +
      `+${(growth / 1e6).toFixed(1)} MB at its peak; after each tenth, MB: ${growthMb.join(" ")}`,
  );
  expect(passed + closing + left).toBe(FRAMES);
  expect(passed).toBeGreaterThan(FRAMES / 4);
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
  await good.finish();
  await voik.stop();
}

test(
  "35: random and mutated frames leave the process alive and small, and a good client unharmed",
  async () => {
    await using voik = await VoikProcess.start({ args: LIMITS });
    await withstands(voik);
  },
  TIMEOUT_MS,
);

test(
  "35: so do those of a client that has logged in and may do everything",
  async () => {
    const { user, password } = LOGIN;
    const secured = ["--kafka-auth", "sasl", "--authorization", "acl", "--super-users", `User:${user}`];
    await using voik = await VoikProcess.start({ args: [...LIMITS, ...secured] });
    const create = [voikExecutable(), "user", "create", user, "--data-dir", voik.folder];
    await run(create, { env: { VOIK_PASSWORD: password } });
    await withstands(voik, LOGIN);
  },
  TIMEOUT_MS,
);
