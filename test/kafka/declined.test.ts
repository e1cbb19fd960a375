/**
 * What the Kafka edge declines (decision 0021), and how: ApiVersions does not tell of it, so that no client sends it,
 * and the connection of who sends it all the same is ended.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { RawConnection, sized, startTestKafka, type TestKafka } from "../helpers/kafka.ts";

const WRITE_TXN_MARKERS = 27;
const ALTER_REPLICA_LOG_DIRS = 34;
const ELECT_LEADERS = 43;
const ALTER_REASSIGNMENTS = 45;
const LIST_REASSIGNMENTS = 46;
const GET_TELEMETRY_SUBSCRIPTIONS = 71;
const PUSH_TELEMETRY = 72;
const APIS = [
  WRITE_TXN_MARKERS,
  ALTER_REPLICA_LOG_DIRS,
  ELECT_LEADERS,
  ALTER_REASSIGNMENTS,
  LIST_REASSIGNMENTS,
  GET_TELEMETRY_SUBSCRIPTIONS,
  PUSH_TELEMETRY,
];
/** The newest version that is told of, by API. */
const NEWEST = { Fetch: [1, 17], OffsetCommit: [8, 9], OffsetFetch: [9, 9], ListTransactions: [66, 1] };

let kafka: TestKafka;
beforeEach(async () => {
  kafka = await startTestKafka();
});
afterEach(() => kafka.close());

/** Sends a request with nothing behind its header, and waits until the connection is over; what came back. */
async function send(apiKey: number, version: number): Promise<number> {
  const header = Buffer.alloc(11);
  header.writeInt16BE(apiKey, 0);
  header.writeInt16BE(version, 2);
  header.writeInt16BE(-1, 8);
  const connection = await RawConnection.open(kafka.port);
  connection.socket.write(sized(header));
  await connection.closed;
  return connection.received.length;
}

test("declined APIs are not told of, and end the connection", async () => {
  const { apiKeys } = await (await kafka.client()).request(ApiVersions, {});
  const told = apiKeys.map(({ apiKey }) => apiKey);
  expect(told.filter((key) => APIS.includes(key))).toEqual([]);
  for (const key of APIS) expect([key, await send(key, 0)]).toEqual([key, 0]);
});

test("declined versions are not told of, and end the connection", async () => {
  const { apiKeys } = await (await kafka.client()).request(ApiVersions, {});
  for (const [name, [key = -1, newest = -1]] of Object.entries(NEWEST)) {
    const told = apiKeys.find(({ apiKey }) => apiKey === key);
    expect([name, told?.maxVersion]).toEqual([name, newest]);
    expect([name, await send(key, newest + 1)]).toEqual([name, 0]);
  }
});
