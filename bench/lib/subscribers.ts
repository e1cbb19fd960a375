/**
 * Subscribers of one shard, in a thread of their own, so that what they do delays no put. Each notes when every record
 * was there whole: from LATEST on the records of a shard come one after the other, so the n-th to come is the n-th put.
 *
 *   in: { url, consumers, http2 }   out: "open", once all are subscribed
 *   in: { records }                 out: arrivals of each subscriber, once all have so many; milliseconds as of nowMs()
 */
import { connect, type ClientHttp2Session } from "node:http2";

export interface Subscribe {
  url: string;
  consumers: readonly string[];
  http2: boolean;
}

export const SHARD = "shardId-000000000000";
/** A record's last member begins with it. */
const MARK = Buffer.from('"PartitionKey":"');

/** One clock for all threads: each counts from its own start. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Notes the arrivals in a stream of bytes that comes in pieces. */
class Arrivals {
  readonly atMs: number[] = [];
  /** The end of the piece before, in which a mark may have begun. */
  private rest = Buffer.alloc(0);

  take(piece: Uint8Array): void {
    const arrivedMs = nowMs();
    const bytes = Buffer.concat([this.rest, piece]);
    let seen = 0;
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, seen)) {
      this.atMs.push(arrivedMs);
      seen = at + MARK.length;
    }
    this.rest = bytes.subarray(Math.max(seen, bytes.length - MARK.length + 1));
  }
}

const headers = {
  "content-type": "application/x-amz-json-1.1",
  "x-amz-target": "Kinesis_20131202.SubscribeToShard",
};
const bodyFor = (ConsumerARN: string) =>
  JSON.stringify({ ConsumerARN, ShardId: SHARD, StartingPosition: { Type: "LATEST" } });

/** HTTP/1.1; resolves once the subscription has begun. */
async function overHttp1(url: string, consumer: string): Promise<Arrivals> {
  const response = await fetch(url, { method: "POST", headers, body: bodyFor(consumer) });
  if (!response.ok || response.body === null) throw new Error(await response.text());
  const reader = response.body.getReader();
  await reader.read(); // the initial response
  const arrivals = new Arrivals();
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      arrivals.take(value);
    }
  };
  void read();
  return arrivals;
}

/** HTTP/2 without TLS, a connection for each subscription, as AWS's SDK for JavaScript does. */
function overHttp2(url: string, consumer: string): Promise<Arrivals> {
  const session: ClientHttp2Session = connect(url);
  const request = session.request({ ":method": "POST", ":path": "/", ...headers });
  const arrivals = new Arrivals();
  return new Promise((resolve, reject) => {
    session.on("error", reject);
    request.on("error", reject);
    request.once("data", () => {
      request.on("data", (piece: Buffer) => arrivals.take(piece));
      resolve(arrivals);
    });
    request.end(bodyFor(consumer));
  });
}

/** Their thread. The bundler puts its entry point beside the program's own (deploy/build.ts): the name finds it there too. */
export function startSubscribers(): Worker {
  return new Worker(new URL("./subscribers.ts", import.meta.url));
}

declare const self: Worker;

if (!Bun.isMainThread) {
  let subscribers: Arrivals[] = [];
  self.onmessage = async ({ data }: MessageEvent<Subscribe | { records: number }>) => {
    if ("consumers" in data) {
      const open = data.http2 ? overHttp2 : overHttp1;
      subscribers = await Promise.all(data.consumers.map((consumer) => open(data.url, consumer)));
      self.postMessage("open");
      return;
    }
    while (subscribers.some(({ atMs }) => atMs.length < data.records)) await Bun.sleep(5);
    self.postMessage(subscribers.map(({ atMs }) => Float64Array.from(atMs)));
  };
}
