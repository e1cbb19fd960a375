/**
 * How near is a fetch to a bare sendfile loop? The log holds 16 KiB batches in the page cache; both servers are asked
 * for the same pieces of about 1 MiB, two requests in flight per connection.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProduceRequest } from "../src/kafka/messages/00-produce.ts";
import { FetchRequest } from "../src/kafka/messages/01-fetch.ts";
import { recordCountOf } from "../src/log/record-batch.ts";
import { batchOfBytes } from "./lib/batches.ts";
import { startServer } from "./lib/child.ts";
import { requestFrame } from "./lib/kafka-frames.ts";
import { comparePairs, MEGABYTE } from "./lib/pairs.ts";
import { runPipeline } from "./lib/pipeline.ts";

const PIECES = 256;
const BATCHES_PER_PIECE = 64;
const ROUNDS_OVER_PIECES = 4;
const VERSION = 12;

async function fill(port: number, batch: Buffer): Promise<void> {
  const frame = requestFrame(0, 9, ProduceRequest, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: "bench", partitionData: [{ index: 0, records: batch }] }],
  });
  await runPipeline({ port, requests: PIECES * BATCHES_PER_PIECE, inFlightMax: 20, frameAt: () => frame });
}

function fetchFrame(offset: number, bytes: number): Buffer {
  return requestFrame(1, VERSION, FetchRequest, {
    maxWaitMs: 1_000,
    minBytes: 1,
    maxBytes: bytes,
    topics: [
      { topic: "bench", partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: bytes }] },
    ],
    forgottenTopicsData: [],
  });
}

function fileFrame(position: number, bytes: number): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeBigInt64BE(BigInt(position), 0);
  frame.writeInt32BE(bytes, 8);
  return frame;
}

export async function run(): Promise<void> {
  console.log(
    "fetch: 1 MiB pieces of a cached log, against a bare sendfile loop over a file of the same size",
  );
  const batch = batchOfBytes(16 << 10);
  const pieceBytes = batch.length * BATCHES_PER_PIECE;
  const voik = await startServer("voik-no-sync");
  await fill(voik.port, batch);
  const file = await startServer("file", await prepareFile(pieceBytes));
  const recordsPerPiece = recordCountOf(batch) * BATCHES_PER_PIECE;
  const fetches = Array.from({ length: PIECES }, (_, i) => fetchFrame(i * recordsPerPiece, pieceBytes));
  const pieces = Array.from({ length: PIECES }, (_, i) => fileFrame(i * pieceBytes, pieceBytes));
  for (const connections of [1, 2]) {
    const rate = (port: number, frames: Buffer[]) => () =>
      megabytesPerSecond(port, frames, connections, pieceBytes);
    await comparePairs(
      `${connections} connection${connections > 1 ? "s" : ""}`,
      "MB/s",
      5,
      rate(voik.port, fetches),
      rate(file.port, pieces),
    );
  }
  await Promise.all([voik, file].map((server) => server.stop()));
}

async function prepareFile(pieceBytes: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const piece = Buffer.alloc(pieceBytes, 1);
  const sink = Bun.file(join(folder, "file")).writer();
  for (let i = 0; i < PIECES; i++) sink.write(piece);
  await sink.end();
  return folder;
}

async function megabytesPerSecond(port: number, frames: Buffer[], connections: number, pieceBytes: number) {
  const requests = (frames.length * ROUNDS_OVER_PIECES) / connections;
  const start = performance.now();
  const results = await Promise.all(
    Array.from({ length: connections }, (_, connection) =>
      runPipeline({
        port,
        requests,
        inFlightMax: 2,
        frameAt: (i) => frames[(i + connection * 101) % frames.length] as Buffer,
      }),
    ),
  );
  const seconds = (performance.now() - start) / 1_000;
  const bytes = results.reduce((sum, result) => sum + result.replyBytes, 0);
  const least = 0.95 * requests * connections * pieceBytes; // a fetch ends with its segment
  if (bytes < least) throw new Error(`${bytes} bytes came, ${least} were asked for`);
  return bytes / seconds / MEGABYTE;
}
