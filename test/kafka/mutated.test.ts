/**
 * Requests of every API at every version, each broken in every way (BAD-INPUT 35 and 37): what comes back is an answer
 * or a closed connection, within five seconds, and no API's requests take 64 MiB. VOIK_FUZZ_ROUNDS asks for more than
 * one of each.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { APIS } from "../../src/kafka/apis.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { MUTATIONS, validRequest } from "../helpers/frame-mutations.ts";
import { frameOf, RawConnection, sized, startTestKafka, type TestKafka } from "../helpers/kafka.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env.VOIK_FUZZ_ROUNDS ?? 1);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const ANSWER_MS_MAX = 5_000;
const MEMORY_GROWTH_MAX = 64 << 20;
const MEMORY_GROWTH_OF_ALL_MAX = 256 << 20;
const LAST_ID = 0x7a7a7a7a;
const LAST = frameOf(ApiVersions, 0, {}, LAST_ID);

/** A Kafka edge and a connection to it, which is made anew when it was closed. */
interface Victim {
  kafka: TestKafka;
  connection?: RawConnection | undefined;
}

const victims: Victim[] = [];
let bytesAtFirst = 0;

beforeAll(async () => {
  // A Fetch, or a join of a group, may wait for as long as it is allowed to, and that would look like a hang.
  const limits = { fetchWaitMsMax: 20, partitionsMax: 20 };
  const groupLimits = { sessionTimeoutMsMin: 1, sessionTimeoutMsMax: 100 };
  for (const enforcing of [false, true]) {
    const kafka = await startTestKafka({ limits, groupLimits, enforcing, batchBytesMax: 10_000 });
    await kafka.broker.createStream({ name: "fuzz", shardCount: 2 });
    victims.push({ kafka });
  }
  bytesAtFirst = process.memoryUsage().rss;
});

afterAll(async () => {
  for (const { connection, kafka } of victims) {
    connection?.end();
    await kafka.close();
  }
});

/** Resolves to whether the good request behind the mutated one was answered; false when the connection was closed. */
async function isAnswered(connection: RawConnection): Promise<boolean> {
  try {
    while ((await connection.reply()).readInt32BE(0) !== LAST_ID);
    return true;
  } catch {
    return false;
  }
}

/** Sends `request` with a good one behind it; rejects when nothing comes of it. */
async function attack(victim: Victim, request: Buffer, what: string): Promise<boolean> {
  victim.connection ??= await RawConnection.open(victim.kafka.port);
  const { connection } = victim;
  connection.socket.write(Buffer.concat([sized(request), LAST]));
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`neither answered nor closed: ${what}: ${request.toString("hex")}`)),
    ANSWER_MS_MAX,
  );
  const answered = await Promise.race([isAnswered(connection), tooLate]).finally(() => clearTimeout(timer));
  if (!answered) victim.connection = undefined;
  return answered;
}

test.each(APIS.map((api) => [api.name, api] as const))(
  "%s, broken in every version and in every way, is answered or closes the connection",
  async (name, api) => {
    const random = seededRandom(SEED + api.key);
    const { min, max } = api.request.versions;
    const bytesBefore = process.memoryUsage().rss;
    let answered = 0;
    for (let version = min; version <= max; version++) {
      for (const [way, mutate] of Object.entries(MUTATIONS)) {
        for (let round = 0; round < ROUNDS * victims.length; round++) {
          const request = mutate(validRequest(api, version, random), random);
          const victim = victims[round % victims.length] as Victim;
          if (await attack(victim, request, `${name} ${version}, ${way}, seed ${SEED}`)) answered++;
        }
      }
    }
    expect(answered).toBeGreaterThan(0);
    expect(process.memoryUsage().rss - bytesBefore).toBeLessThan(MEMORY_GROWTH_MAX);
    for (const { kafka } of victims) {
      const good = await RawConnection.open(kafka.port);
      good.socket.write(LAST);
      expect((await good.reply()).readInt32BE(0)).toBe(LAST_ID);
      good.end();
    }
  },
  60_000 * ROUNDS,
);

test("all of that together leaves memory within its bound", () => {
  expect(process.memoryUsage().rss - bytesAtFirst).toBeLessThan(MEMORY_GROWTH_OF_ALL_MAX);
});
