/**
 * How near is acks=all produce over TCP to a server that throws the bytes away? 1 KB records in batches, one
 * connection, requests pipelined as Kafka clients do it (max.in.flight 5), and a second look with many connections.
 */
import { batchOfBytes } from "./lib/batches.ts";
import { type BenchServer, startServer } from "./lib/child.ts";
import { produceFrame } from "./lib/kafka-frames.ts";
import { comparePairs, MEGABYTE } from "./lib/pairs.ts";
import { runPipeline } from "./lib/pipeline.ts";

const BYTES_PER_ROUND = 128 << 20;
/** Kafka's max.in.flight.requests.per.connection. */
const IN_FLIGHT_MAX = 5;
async function megabytesPerSecond(port: number, frame: Buffer, connections: number): Promise<number> {
  const requests = Math.floor(BYTES_PER_ROUND / frame.length / connections);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: connections }, () =>
      runPipeline({ port, requests, inFlightMax: IN_FLIGHT_MAX, frameAt: () => frame }),
    ),
  );
  const seconds = (performance.now() - start) / 1_000;
  return (requests * connections * frame.length) / seconds / MEGABYTE;
}

/** Latency of one request at a time: what a single careful producer sees. */
async function printLatency(server: BenchServer, frame: Buffer): Promise<void> {
  const { latenciesMs } = await runPipeline({
    port: server.port,
    requests: 500,
    inFlightMax: 1,
    frameAt: () => frame,
  });
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] as number).toFixed(2);
  console.log(`  one 16 KiB batch at a time: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms to the ack`);
}

/** One case on a server of its own, so that no case pays for the files of the one before it. */
async function compareWithSink(
  role: string,
  name: string,
  frame: Buffer,
  connections: number,
): Promise<void> {
  const [voik, sink] = await Promise.all([startServer(role), startServer("null-sink")]);
  const rate = (port: number) => () => megabytesPerSecond(port, frame, connections);
  await comparePairs(name, "MB/s", 5, rate(voik.port), rate(sink.port));
  await Promise.all([voik.stop(), sink.stop()]);
}

export async function run(): Promise<void> {
  console.log("produce: acks=all over TCP, against a null sink");
  for (const kib of [16, 256]) {
    const frame = produceFrame("bench", 0, batchOfBytes(kib << 10));
    for (const connections of [1, 4]) {
      const name = `${kib} KiB batches, ${connections} connection${connections > 1 ? "s" : ""}`;
      await compareWithSink("voik-no-sync", `${name}, without sync`, frame, connections);
      await compareWithSink("voik", name, frame, connections);
    }
  }
  const voik = await startServer("voik");
  await printLatency(voik, produceFrame("bench", 0, batchOfBytes(16 << 10)));
  await voik.stop();
}
