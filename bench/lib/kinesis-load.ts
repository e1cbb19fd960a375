/**
 * Load on a Kinesis service over raw HTTP/1.1: requests are made once and replies looked at no closer than counting
 * needs, so that the service is measured and not this program. Takes any service that speaks AWS JSON 1.1.
 */
import { seededRandom } from "../../src/base/random.ts";
import { AUTHORIZATION, HttpConnection, requestBytes } from "./http-connection.ts";

const KEYS = 1_000;

/** Sends one request; the reply's bytes. Throws with what the service says unless it answers 200. */
export async function call(url: string, operation: string, body: string): Promise<Buffer> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `Kinesis_20131202.${operation}`,
      "x-amz-date": "20260101T000000Z",
      // Bun's fetch would ask for gzip.
      "accept-encoding": "identity",
      authorization: AUTHORIZATION,
    },
    body,
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${operation}: ${response.status} ${bytes.toString("utf8", 0, 500)}`);
  return bytes;
}

/** Makes `stream` and waits until it can be written to. */
export async function createStream(url: string, stream: string, shards: number): Promise<void> {
  const StreamName = stream;
  await call(url, "CreateStream", JSON.stringify({ StreamName, ShardCount: shards }));
  for (;;) {
    const answer = await call(url, "DescribeStream", JSON.stringify({ StreamName }));
    if (answer.includes('"StreamStatus":"ACTIVE"')) return;
    await Bun.sleep(20);
  }
}

/** Bodies of PutRecords, `records` of `recordBytes` random bytes each, spread over many keys. */
export function putBodies(stream: string, count: number, records: number, recordBytes: number): string[] {
  const random = seededRandom(1);
  return Array.from({ length: count }, () =>
    JSON.stringify({
      StreamName: stream,
      Records: Array.from({ length: records }, () => ({
        Data: random.bytes(recordBytes).toString("base64"),
        PartitionKey: `key-${random.uint32() % KEYS}`,
      })),
    }),
  );
}

/** Sends `requests` PutRecords over `concurrency` connections; the milliseconds it took. Throws when a record is refused. */
export async function putRecords(
  url: string,
  bodies: readonly string[],
  requests: number,
  concurrency: number,
): Promise<number> {
  return (await sendPuts(url, bodies, concurrency, (sent) => sent < requests)).ms;
}

/** Sends PutRecords over `concurrency` connections for `forMs`; how many were answered a second. */
export async function putRecordsFor(
  url: string,
  bodies: readonly string[],
  forMs: number,
  concurrency: number,
): Promise<number> {
  const endMs = performance.now() + forMs;
  const { sent, ms } = await sendPuts(url, bodies, concurrency, () => performance.now() < endMs);
  return (sent / ms) * 1_000;
}

/** Sends one after the other on each connection while `goesOn`. Throws when a record is refused. */
async function sendPuts(
  url: string,
  bodies: readonly string[],
  concurrency: number,
  goesOn: (sent: number) => boolean,
): Promise<{ sent: number; ms: number }> {
  const made = bodies.map((body) => requestBytes(url, "PutRecords", body));
  let sent = 0;
  const ms = await timed(url, concurrency, async (connection) => {
    while (goesOn(sent)) {
      const answer = await connection.call(made[sent++ % made.length] as Buffer);
      if (!answer.includes('"FailedRecordCount":0'))
        throw new Error(`refused: ${answer.toString("utf8", 0, 500)}`);
    }
  });
  return { sent, ms };
}

/** Sends PutRecord over `concurrency` connections for `forMs`; how many were answered. */
export async function putSingles(
  url: string,
  stream: string,
  recordBytes: number,
  forMs: number,
  concurrency: number,
): Promise<number> {
  const random = seededRandom(2);
  const made = Array.from({ length: KEYS }, (_, key) => {
    const Data = random.bytes(recordBytes).toString("base64");
    const body = JSON.stringify({ StreamName: stream, Data, PartitionKey: `key-${key}` });
    return requestBytes(url, "PutRecord", body);
  });
  const end = performance.now() + forMs;
  let answered = 0;
  await timed(url, concurrency, async (connection) => {
    while (performance.now() < end) {
      await connection.call(made[answered % KEYS] as Buffer);
      answered++;
    }
  });
  return answered;
}

/** Reads all shards at once from TRIM_HORIZON until each gives an empty page; how many records came, in what time. */
export async function readAll(
  url: string,
  stream: string,
  shards: number,
): Promise<{ records: number; ms: number }> {
  let records = 0;
  let shard = 0;
  const ms = await timed(url, shards, async (connection) => {
    const ask = (operation: string, input: object) =>
      connection.call(requestBytes(url, operation, JSON.stringify(input)));
    const ShardId = `shardId-${String(shard++).padStart(12, "0")}`;
    const request = { StreamName: stream, ShardId, ShardIteratorType: "TRIM_HORIZON" };
    let iterator = valueOf(await ask("GetShardIterator", request), "ShardIterator");
    for (;;) {
      const page = await ask("GetRecords", { ShardIterator: iterator });
      const found = countOf(page, '"SequenceNumber":');
      records += found;
      // kinesalite says 0 MillisBehindLatest on every page: only an empty one tells.
      if (found === 0) return;
      iterator = valueOf(page, "NextShardIterator");
    }
  });
  return { records, ms };
}

/** The text of member `name`, which stands once in `json`. */
function valueOf(json: Buffer, name: string): string {
  const start = json.indexOf(`"${name}":"`) + name.length + 4;
  return json.toString("latin1", start, json.indexOf('"', start));
}

function countOf(bytes: Buffer, text: string): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) count++;
  return count;
}

/** Milliseconds that `run` takes on `count` connections at once. */
async function timed(
  url: string,
  count: number,
  run: (connection: HttpConnection) => Promise<void>,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: count }, () => HttpConnection.open(url)));
  const startMs = performance.now();
  await Promise.all(connections.map(run));
  const ms = performance.now() - startMs;
  for (const connection of connections) connection.close();
  return ms;
}
