/**
 * How long after a put is acknowledged does a subscriber have the record? 1,000 records a second, one PutRecords every ten
 * milliseconds, through SubscribeToShard to one subscriber and to twenty of one shard, over HTTP/1.1 and HTTP/2; every
 * record on the disk before it is acknowledged; subscribers in a thread of their own. And what a subscriber that stops reading costs in resident memory.
 */
import { readFileSync } from "node:fs";
import { startServer } from "./lib/child.ts";
import { call } from "./lib/kinesis-load.ts";
import { nowMs, SHARD, startSubscribers, type Subscribe } from "./lib/subscribers.ts";

const RECORDS_PER_PUT = 10;
const PUT_EVERY_MS = 10;
const RECORD_BYTES = 1024;
const PUTS = 1_500;
const STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/bench";
const STALLED_BYTES = 64 * 1024 * 1024;

/** How long subscribers get, once all is put, to have it. */
const LATE_MS = 30_000;

async function consumers(url: string, count: number, prefix: string): Promise<string[]> {
  const arns: string[] = [];
  for (let i = 0; i < count; i++) {
    const body = JSON.stringify({ StreamARN: STREAM_ARN, ConsumerName: `${prefix}-${i}` });
    const answer = JSON.parse((await call(url, "RegisterStreamConsumer", body)).toString());
    arns.push((answer as { Consumer: { ConsumerARN: string } }).Consumer.ConsumerARN);
  }
  return arns;
}

interface Put {
  sentMs: number;
  ackedMs: number;
}

/** Puts at the rate; when each record was sent and acknowledged, in the order of the shard. */
async function putAtRate(url: string): Promise<Put[]> {
  const puts = new Map<string, Put>();
  const Data = Buffer.alloc(RECORD_BYTES, "x").toString("base64");
  const Records = Array.from({ length: RECORDS_PER_PUT }, (_, i) => ({ Data, PartitionKey: `k${i}` }));
  const body = JSON.stringify({ StreamName: "bench", Records });
  const under: Promise<void>[] = [];
  const startMs = nowMs();
  for (let i = 0; i < PUTS; i++) {
    const waitMs = startMs + i * PUT_EVERY_MS - nowMs();
    if (waitMs > 0) await Bun.sleep(waitMs);
    const sentMs = nowMs();
    under.push(
      call(url, "PutRecords", body).then((answer) => {
        const ackedMs = nowMs();
        for (const [, number = ""] of answer.toString("latin1").matchAll(/"SequenceNumber":"(\d{56})"/g))
          puts.set(number, { sentMs, ackedMs });
      }),
    );
  }
  await Promise.all(under);
  return [...puts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, put]) => put);
}

/** The next message of a thread. */
function answerOf<T>(thread: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    thread.onmessage = ({ data }: MessageEvent<T>) => resolve(data);
    thread.onerror = ({ message }) => reject(new Error(message));
  });
}

async function latency(url: string, pid: number, count: number, http2: boolean): Promise<void> {
  const thread = startSubscribers();
  const subscribe: Subscribe = { url, consumers: await consumers(url, count, `c${count}`), http2 };
  thread.postMessage(subscribe);
  await answerOf<"open">(thread);
  const [startMs, startCpuMs] = [nowMs(), cpuMs(pid)];
  const puts = await putAtRate(url);
  const tookMs = nowMs() - startMs;
  const cores = (cpuMs(pid) - startCpuMs) / tookMs;
  thread.postMessage({ records: puts.length });
  const late = Bun.sleep(LATE_MS).then(() => Promise.reject(new Error("records did not arrive")));
  const arrivals = await Promise.race([answerOf<Float64Array[]>(thread), late]);
  thread.terminate();
  console.log(
    `  ${count} subscribers, ${http2 ? "HTTP/2" : "HTTP/1.1"}, ${((puts.length / tookMs) * 1000).toFixed(0)} records/s, ` +
      `${count * puts.length} arrivals, server at ${(cores * 100).toFixed(0)} % of a core`,
  );
  for (const from of ["ackedMs", "sentMs"] as const) {
    // An event may overtake the acknowledgement: that is no delay.
    const delays = Float64Array.from(
      arrivals.flatMap((atMs) => puts.map((put, i) => Math.max(0, (atMs[i] as number) - put[from]))),
    ).sort();
    const at = (share: number) => (delays[Math.floor((delays.length - 1) * share)] as number).toFixed(2);
    const what = from === "ackedMs" ? "acknowledged to arrived" : "sent to arrived";
    console.log(`    ${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
  }
}

/** Time on a core that a process has had. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1000;
}

/** Subscribers that take the first bytes and no more, while the shard grows. */
async function stalled(url: string, pid: number, count: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const before = residentMegabytes(pid);
  for (const ConsumerARN of await consumers(url, count, "stalled")) {
    const body = JSON.stringify({ ConsumerARN, ShardId: SHARD, StartingPosition: { Type: "TRIM_HORIZON" } });
    const opened = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data(self) {
          self.pause();
          opened.resolve();
        },
      },
    });
    socket.write(
      `POST / HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-amz-json-1.1\r\n` +
        `x-amz-target: Kinesis_20131202.SubscribeToShard\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await opened.promise;
  }
  const Data = Buffer.alloc(512 * 1024, "y").toString("base64");
  const body = JSON.stringify({ StreamName: "bench", Records: Array(8).fill({ Data, PartitionKey: "k" }) });
  let most = 0;
  for (let bytes = 0; bytes < STALLED_BYTES; bytes += 8 * 512 * 1024) {
    await call(url, "PutRecords", body);
    most = Math.max(most, residentMegabytes(pid));
  }
  console.log(
    `  ${count} subscribers that stopped reading, ${STALLED_BYTES / 2 ** 20} MiB put meanwhile: ` +
      `${before.toFixed(0)} MB resident before, ${most.toFixed(0)} MB at most`,
  );
}

export async function run(): Promise<void> {
  console.log("subscribe: SubscribeToShard at 1,000 records of 1 KiB a second, on disk at the reply");
  const steps = [
    (url: string, pid: number) => latency(url, pid, 1, false),
    (url: string, pid: number) => latency(url, pid, 1, true),
    (url: string, pid: number) => latency(url, pid, 20, false),
    (url: string, pid: number) => latency(url, pid, 20, true),
    (url: string, pid: number) => stalled(url, pid, 0),
    (url: string, pid: number) => stalled(url, pid, 20),
  ];
  for (const step of steps) {
    const voik = await startServer("kinesis");
    await step(`http://127.0.0.1:${voik.port}/`, voik.pid);
    await voik.stop();
  }
}
