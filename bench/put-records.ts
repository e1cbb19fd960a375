/**
 * How many records a second does PutRecords take in, 500 records of 1 KB a request over HTTP/1.1, next to a server that
 * only reads the body and parses the JSON?
 */
import { seededRandom } from "../src/base/random.ts";
import { startServer } from "./lib/child.ts";
import { comparePairs } from "./lib/pairs.ts";

const RECORDS = 500;
const RECORD_BYTES = 1_000;
const REQUESTS_PER_ROUND = 120;
const CONCURRENCY = 4;

function requestBody(): string {
  const random = seededRandom(1);
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    Data: random.bytes(RECORD_BYTES).toString("base64"),
    PartitionKey: `key-${i % 50}`,
  }));
  return JSON.stringify({ StreamName: "bench", Records: records });
}

const HEADERS = {
  "content-type": "application/x-amz-json-1.1",
  "x-amz-target": "Kinesis_20131202.PutRecords",
};

async function recordsPerSecond(port: number, body: string): Promise<number> {
  let left = REQUESTS_PER_ROUND;
  const worker = async () => {
    while (left-- > 0) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers: HEADERS, body });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return (REQUESTS_PER_ROUND * RECORDS) / ((performance.now() - start) / 1_000);
}

export async function run(): Promise<void> {
  console.log(
    `put-records: ${RECORDS} records of ${RECORD_BYTES} bytes a request, against parsing the JSON alone`,
  );
  const body = requestBody();
  const sink = await startServer("json-sink");
  for (const [role, name] of [
    ["kinesis-no-sync", "without sync"],
    ["kinesis", "on disk at the reply"],
  ] as const) {
    const voik = await startServer(role);
    const rate = (port: number) => () => recordsPerSecond(port, body);
    await comparePairs(name, "records/s", 5, rate(voik.port), rate(sink.port));
    await voik.stop();
  }
  await sink.stop();
}
