/**
 * Load on a Kinesis service over raw HTTP/1.1: requests are made once and replies looked at no closer than counting
 * needs, so that the service is measured and not this program. Takes any service that speaks AWS JSON 1.1.
 */
import { seededRandom } from "../../src/base/random.ts";

/** Not checked by the services measured here, but demanded by one of them. */
const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/kinesis/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=00";
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

/** Sends `requests` PutRecords, `concurrency` at a time; throws when a record is refused. */
export async function putRecords(
  url: string,
  bodies: readonly string[],
  requests: number,
  concurrency: number,
): Promise<void> {
  let sent = 0;
  await together(concurrency, async () => {
    while (sent < requests) {
      const answer = await call(url, "PutRecords", bodies[sent++ % bodies.length] as string);
      if (!answer.includes('"FailedRecordCount":0'))
        throw new Error(`refused: ${answer.toString("utf8", 0, 500)}`);
    }
  });
}

/** Sends PutRecord, `concurrency` at a time, for `forMs`; how many were answered. */
export async function putSingles(
  url: string,
  stream: string,
  recordBytes: number,
  forMs: number,
  concurrency: number,
): Promise<number> {
  const random = seededRandom(2);
  const bodies = Array.from({ length: KEYS }, (_, key) =>
    JSON.stringify({
      StreamName: stream,
      Data: random.bytes(recordBytes).toString("base64"),
      PartitionKey: `key-${key}`,
    }),
  );
  const end = performance.now() + forMs;
  let answered = 0;
  await together(concurrency, async () => {
    while (performance.now() < end) {
      await call(url, "PutRecord", bodies[answered % KEYS] as string);
      answered++;
    }
  });
  return answered;
}

/** Reads all shards at once from TRIM_HORIZON until each gives an empty page; how many records came. */
export async function readAll(url: string, stream: string, shards: number): Promise<number> {
  let records = 0;
  let shard = 0;
  await together(shards, async () => {
    const ShardId = `shardId-${String(shard++).padStart(12, "0")}`;
    const request = { StreamName: stream, ShardId, ShardIteratorType: "TRIM_HORIZON" };
    let iterator = valueOf(await call(url, "GetShardIterator", JSON.stringify(request)), "ShardIterator");
    for (;;) {
      const page = await call(url, "GetRecords", JSON.stringify({ ShardIterator: iterator }));
      const found = countOf(page, '"SequenceNumber":');
      records += found;
      // kinesalite says 0 MillisBehindLatest on every page: only an empty one tells.
      if (found === 0) return;
      iterator = valueOf(page, "NextShardIterator");
    }
  });
  return records;
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

async function together(count: number, run: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, run));
}
