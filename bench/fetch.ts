/**
 * How near is a fetch to a bare sendfile loop? The log holds 16 KiB batches in the page cache; both servers are asked
 * for the same pieces of it, of about 1 MiB, two requests in flight per connection.
 */
import { recordCountOf } from "../src/log/record-batch.ts";
import { batchOfBytes } from "./lib/batches.ts";
import { startServer } from "./lib/child.ts";
import { fetchFrame, fileFrame, produceFrame } from "./lib/kafka-frames.ts";
import { comparePairs, MEGABYTE } from "./lib/pairs.ts";
import { runPipeline } from "./lib/pipeline.ts";

const PIECES = 256;
const BATCHES_PER_PIECE = 64;
const ROUNDS_OVER_PIECES = 4;

async function fill(port: number, batch: Buffer): Promise<void> {
  const frame = produceFrame("bench", 0, batch);
  await runPipeline({ port, requests: PIECES * BATCHES_PER_PIECE, inFlightMax: 20, frameAt: () => frame });
}

export async function run(): Promise<void> {
  console.log("fetch: 1 MiB pieces of a cached log, against a bare sendfile loop over the same file");
  const batch = batchOfBytes(16 << 10);
  const pieceBytes = batch.length * BATCHES_PER_PIECE;
  const voik = await startServer("voik-no-sync");
  await fill(voik.port, batch);
  const file = await startServer("file", voik.folder);
  const recordsPerPiece = recordCountOf(batch) * BATCHES_PER_PIECE;
  const fetches = Array.from({ length: PIECES }, (_, i) =>
    fetchFrame("bench", 0, i * recordsPerPiece, pieceBytes),
  );
  const pieces = Array.from({ length: PIECES }, (_, i) => fileFrame(0, i * pieceBytes, pieceBytes));
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
