/**
 * Thousands of hostile frames against the executable, seen from outside: each connection is closed within 100 ms,
 * the process never grows for a length that was only claimed, and a good client beside them loses nothing.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { APIS } from "../../src/kafka/apis.ts";
import type { Api } from "../../src/kafka/call.ts";
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import { GoodClient } from "../helpers/good-client.ts";
import { RawConnection, sized } from "../helpers/kafka.ts";
import { hostileCopies, PrefixRecorder, randomBody } from "../helpers/kafka-bodies.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const FRAMES = 5_000;
const CLOSE_MS_MAX = 100;
const GROWTH_BYTES_MAX = 32 * 1024 * 1024;
const CLAIMING_CONNECTIONS = 200;
const CLAIMED_BYTES = 16 * 1024 * 1024;

/** −1, −2^31, 2^31−1, 0, a TLS hello, "GET " */
const LENGTH_PREFIXES = ["ffffffff", "80000000", "7fffffff", "00000000", "16030100", "47455420"];

test("hostile frames close their connections, and nobody else notices", async () => {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  await using voik = await VoikProcess.start();
  const good = await GoodClient.start(voik);

  await sendAll(voik, framesOf(seededRandom(SEED))); // warms up: code is compiled, heaps have their size
  const before = voik.residentBytes();
  writeFileSync(`/proc/${voik.pid}/clear_refs`, "5"); // resets the peak

  const frames: Buffer[] = [];
  for (let round = 1; frames.length < FRAMES; round++) frames.push(...framesOf(seededRandom(SEED + round)));
  const slow = await sendAll(voik, frames);
  expect(slow).toEqual([]);

  // Claims of 16 MiB each, all at once, and little behind them: these wait for their bytes, and cost what came.
  const claim = Buffer.alloc(1024);
  claim.writeInt32BE(CLAIMED_BYTES - 4);
  const claiming = await Promise.all(
    Array.from({ length: CLAIMING_CONNECTIONS }, () => RawConnection.open(voik.kafkaPort)),
  );
  for (const connection of claiming) connection.socket.write(claim);
  await good.moreReplies(50);
  for (const connection of claiming) connection.end();

  const growth = voik.peakResidentBytes() - before;
  console.log(
    `${frames.length} hostile frames: resident memory +${(growth / 1e6).toFixed(1)} MB at its peak`,
  );
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX);

  await good.finish();
  await voik.stop();
}, 120_000);

/** Sends each frame over a connection of its own; resolves to those that were answered or not closed in time. */
async function sendAll(voik: VoikProcess, frames: readonly Buffer[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const frame of frames) {
    const connection = await RawConnection.open(voik.kafkaPort);
    const startedAtMs = performance.now();
    connection.socket.write(frame);
    await connection.closed;
    const closedMs = performance.now() - startedAtMs;
    if (connection.received.length > 0) wrong.push(`answered: ${frame.toString("hex", 0, 80)}`);
    if (closedMs > CLOSE_MS_MAX)
      wrong.push(`closed after ${closedMs.toFixed()} ms: ${frame.toString("hex", 0, 80)}`);
  }
  return wrong;
}

/** Bad length prefixes, and for every API and version a good request with one inner length made hostile. */
function framesOf(random: Random): Buffer[] {
  const frames: Buffer[] = LENGTH_PREFIXES.map((hex) =>
    Buffer.concat([Buffer.from(hex, "hex"), random.bytes(300)]),
  );
  for (const api of APIS) {
    const { min, max } = api.request.versions;
    const version = min + (random.uint32() % (max - min + 1));
    const writer = new PrefixRecorder();
    api.request.write(version, writer, randomBody(api.request.fields, version, random) as never);
    const body = Buffer.from(writer.bytes.subarray(0, writer.at));
    for (const hostile of hostileCopies(body, writer.prefixes))
      frames.push(frameAround(api, version, hostile));
  }
  return frames;
}

function frameAround(api: Api, version: number, body: Buffer): Buffer {
  const header = new PrefixRecorder();
  writeRequestHeader(header, api.key, version, 7, "hostile", api.request.isFlexible(version));
  return sized(Buffer.concat([header.bytes.subarray(0, header.at), body]));
}
