/**
 * How long after a put is acknowledged does a subscriber have the record? 1,000 records a second, one PutRecords every ten
 * milliseconds, through SubscribeToShard to one subscriber and to twenty of one shard, over HTTP/1.1; every record on
 * the disk before it is acknowledged. And what a subscriber that stops reading costs in resident memory.
 */
import { readFileSync } from "node:fs";
import { startServer } from "./lib/child.ts";
import { call } from "./lib/kinesis-load.ts";

const RECORDS_PER_PUT = 10;
const PUT_EVERY_MS = 10;
const RECORD_BYTES = 1024;
const PUTS = 1_500;
const SHARD = "shardId-000000000000";
const STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/bench";
const STALLED_BYTES = 64 * 1024 * 1024;

/** Sequence numbers as they come in events, with the time of their arrival. */
class Subscriber {
  readonly arrivedMs = new Map<string, number>();
  private readonly hangUp = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  /** Resolves once the subscription has begun. */
  async open(url: string, consumer: string): Promise<void> {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "Kinesis_20131202.SubscribeToShard",
      },
      body: JSON.stringify({ ConsumerARN: consumer, ShardId: SHARD, StartingPosition: { Type: "LATEST" } }),
      signal: this.hangUp.signal,
    });
    if (!response.ok || response.body === null) throw new Error(await response.text());
    const reader = response.body.getReader();
    await reader.read(); // the initial response
    this.ended = this.read(reader).catch(() => {});
  }

  async close(): Promise<void> {
    this.hangUp.abort();
    await this.ended;
  }

  private async read(reader: { read(): Promise<{ done: boolean; value?: Uint8Array }> }): Promise<void> {
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) return;
      const nowMs = performance.now();
      const text = rest + Buffer.from(value).toString("latin1");
      let seen = 0;
      for (const match of text.matchAll(/"SequenceNumber":"(\d{56})"/g)) {
        this.arrivedMs.set(match[1] as string, nowMs);
        seen = match.index + match[0].length;
      }
      // A number may be cut in two by the end of a piece.
      rest = text.slice(Math.max(seen, text.length - 100));
    }
  }
}

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

/** Puts at the rate; when each sequence number was sent and acknowledged. */
async function putAtRate(url: string): Promise<Map<string, Put>> {
  const puts = new Map<string, Put>();
  const Data = Buffer.alloc(RECORD_BYTES, "x").toString("base64");
  const Records = Array.from({ length: RECORDS_PER_PUT }, (_, i) => ({ Data, PartitionKey: `k${i}` }));
  const body = JSON.stringify({ StreamName: "bench", Records });
  const under: Promise<void>[] = [];
  const startMs = performance.now();
  for (let i = 0; i < PUTS; i++) {
    const waitMs = startMs + i * PUT_EVERY_MS - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    const sentMs = performance.now();
    under.push(
      call(url, "PutRecords", body).then((answer) => {
        const ackedMs = performance.now();
        for (const [, number = ""] of answer.toString("latin1").matchAll(/"SequenceNumber":"(\d{56})"/g))
          puts.set(number, { sentMs, ackedMs });
      }),
    );
  }
  await Promise.all(under);
  return puts;
}

async function latency(url: string, count: number): Promise<void> {
  const subscribers = await Promise.all(
    (await consumers(url, count, `c${count}`)).map(async (consumer) => {
      const subscriber = new Subscriber();
      await subscriber.open(url, consumer);
      return subscriber;
    }),
  );
  const startMs = performance.now();
  const puts = await putAtRate(url);
  const perSecond = (puts.size / (performance.now() - startMs)) * 1000;
  while (subscribers.some(({ arrivedMs }) => arrivedMs.size < puts.size)) await Bun.sleep(5);
  console.log(`  ${count} subscribers, ${perSecond.toFixed(0)} records/s, ${count * puts.size} arrivals`);
  for (const from of ["ackedMs", "sentMs"] as const) {
    // An event may overtake the acknowledgement: that is no delay.
    const delays = subscribers
      .flatMap(({ arrivedMs }) =>
        [...puts].map(([number, put]) => Math.max(0, (arrivedMs.get(number) as number) - put[from])),
      )
      .sort((a, b) => a - b);
    const at = (share: number) => (delays[Math.floor((delays.length - 1) * share)] as number).toFixed(2);
    const what = from === "ackedMs" ? "acknowledged to arrived" : "sent to arrived";
    console.log(`    ${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
  }
  for (const subscriber of subscribers) await subscriber.close();
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
    (url: string) => latency(url, 1),
    (url: string) => latency(url, 20),
    (url: string, pid: number) => stalled(url, pid, 0),
    (url: string, pid: number) => stalled(url, pid, 20),
  ];
  for (const step of steps) {
    const voik = await startServer("kinesis");
    await step(`http://127.0.0.1:${voik.port}/`, voik.pid);
    await voik.stop();
  }
}
