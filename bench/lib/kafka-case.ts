/**
 * One case of bench/kafka.ts: batches of one size, on so many partitions, from so many connections. A voik of its own,
 * with its defaults, is written to and then read from, each in turn with what it is held against:
 *
 *   produce   voik, a null sink (same frames, same requests in flight), a bare loop of write and fdatasync
 *   fetch     voik, a bare sendfile loop (same pieces of the same files, same requests in flight)
 */
import { recordCountOf } from "../../src/log/record-batch.ts";
import { BrokerClient } from "../../src/cli/broker-client.ts";
import { cpuMs } from "../../test/helpers/cpu-share.ts";
import { VoikProcess } from "../../test/helpers/voik-process.ts";
import { batchOfBytes } from "./batches.ts";
import { startServer } from "./child.ts";
import { syncedBytesPerSecond } from "./disk-loop.ts";
import { fetchFrame, fileFrame, produceFrame } from "./kafka-frames.ts";
import { MEGABYTE } from "./pairs.ts";
import { runPipeline } from "./pipeline.ts";

export interface KafkaCase {
  batchBytes: number;
  partitions: number;
  connections: number;
}

/** What stands beside voik in every case, and how long it is measured. */
export interface Rig {
  sinkPort: number;
  rounds: number;
  roundMs: number;
}

/** One entry a round: MB/s, but for CPU, which is server seconds per GB. */
export interface CaseFigures {
  produce: { voik: number[]; sink: number[]; disk: number[]; cpu: number[] };
  fetch: { voik: number[]; file: number[]; cpu: number[] };
  peakBytes: number;
}

/** Kafka's max.in.flight.requests.per.connection; the sink gets as many. */
const PRODUCES_IN_FLIGHT = 5;
const FETCHES_IN_FLIGHT = 2;
/** Kafka's max.partition.fetch.bytes. */
const PIECE_BYTES = 1 << 20;
/** A log takes no more than this unsynced, so no fdatasync has more to write. */
const UNSYNCED_BYTES_MAX = 8 << 20;
/** Written before anything is measured, so that there is something to fetch, too. */
const FILL_BYTES = 64 << 20;
/** Fetched before anything is measured: a server that has just begun runs on code that is not compiled yet. */
const WARM_UP_PIECES = 1_000;
const TOPIC = "bench";

/** Runs `requests` in all over the connections; replies' bytes and seconds. */
type Load = (requests: number) => Promise<{ bytes: number; seconds: number }>;

export async function measureCase(shape: KafkaCase, rig: Rig): Promise<CaseFigures> {
  await using voik = await VoikProcess.start();
  await BrokerClient.use(voik.addresses.kafka, (client) => client.create(TOPIC, shape.partitions, {}));
  const { produce, batches } = await measureProduce(shape, rig, voik);
  const fetch = await measureFetch(shape, rig, voik, batches);
  return { produce, fetch, peakBytes: voik.peakResidentBytes() };
}

async function measureProduce(
  { batchBytes, partitions, connections }: KafkaCase,
  rig: Rig,
  voik: VoikProcess,
) {
  const batch = batchOfBytes(batchBytes);
  const frames = Array.from({ length: partitions }, (_, index) => produceFrame(TOPIC, index, batch));
  const loadOn =
    (port: number): Load =>
    (requests) =>
      run(port, connections, PRODUCES_IN_FLIGHT, requests, frames);
  const [toVoik, toSink] = [loadOn(voik.kafkaPort), loadOn(rig.sinkPort)];
  const fill = Math.ceil(FILL_BYTES / batch.length / frames.length) * frames.length;
  const voikRequests = await calibrate(toVoik, fill, rig.roundMs);
  const sinkRequests = await calibrate(toSink, fill, rig.roundMs);
  const blockBytes = Math.min(batch.length * PRODUCES_IN_FLIGHT * connections, UNSYNCED_BYTES_MAX);
  const figures: CaseFigures["produce"] = { voik: [], sink: [], disk: [], cpu: [] };
  for (let round = 0; round < rig.rounds; round++) {
    const cpuBeforeMs = cpuMs(voik.pid);
    const bytes = voikRequests * batch.length;
    figures.voik.push(bytes / (await toVoik(voikRequests)).seconds / MEGABYTE);
    figures.cpu.push(cpuPerGigabyte(voik.pid, cpuBeforeMs, bytes));
    figures.sink.push((sinkRequests * batch.length) / (await toSink(sinkRequests)).seconds / MEGABYTE);
    figures.disk.push(syncedBytesPerSecond(blockBytes, rig.roundMs) / MEGABYTE);
  }
  return { produce: figures, batches: Math.floor(fill / frames.length) };
}

async function measureFetch(shape: KafkaCase, rig: Rig, voik: VoikProcess, batches: number) {
  const { partitions, connections } = shape;
  const batch = batchOfBytes(shape.batchBytes);
  const batchesPerPiece = Math.max(1, Math.floor(PIECE_BYTES / batch.length));
  const pieceBytes = batchesPerPiece * batch.length;
  const piecesPerPartition = Math.floor(batches / batchesPerPiece);
  const fetches: Buffer[] = [];
  const pieces: Buffer[] = [];
  for (let piece = 0; piece < piecesPerPartition; piece++) {
    const offset = piece * batchesPerPiece * recordCountOf(batch);
    for (let partition = 0; partition < partitions; partition++) {
      fetches.push(fetchFrame(TOPIC, partition, offset, pieceBytes));
      pieces.push(fileFrame(partition, piece * pieceBytes, pieceBytes));
    }
  }
  const file = await startServer("file", voik.folder);
  const fromVoik: Load = (requests) => run(voik.kafkaPort, connections, FETCHES_IN_FLIGHT, requests, fetches);
  const fromFile: Load = (requests) => run(file.port, connections, FETCHES_IN_FLIGHT, requests, pieces);
  const voikRequests = await calibrate(fromVoik, WARM_UP_PIECES, rig.roundMs);
  const fileRequests = await calibrate(fromFile, WARM_UP_PIECES, rig.roundMs);
  const figures: CaseFigures["fetch"] = { voik: [], file: [], cpu: [] };
  for (let round = 0; round < rig.rounds; round++) {
    const cpuBeforeMs = cpuMs(voik.pid);
    const { bytes, seconds } = await fromVoik(voikRequests);
    if (bytes < voikRequests * pieceBytes * 0.95)
      throw new Error(`${voikRequests} pieces of ${pieceBytes} bytes were asked for, ${bytes} bytes came`);
    figures.voik.push(bytes / seconds / MEGABYTE);
    figures.cpu.push(cpuPerGigabyte(voik.pid, cpuBeforeMs, bytes));
    const other = await fromFile(fileRequests);
    figures.file.push(other.bytes / other.seconds / MEGABYTE);
  }
  await file.stop();
  return figures;
}

/** Runs `requests` once, unmeasured, and says how many take about `roundMs`. */
async function calibrate(load: Load, requests: number, roundMs: number): Promise<number> {
  const { seconds } = await load(requests);
  return Math.max(20, Math.round((requests / seconds) * (roundMs / 1_000)));
}

async function run(
  port: number,
  connections: number,
  inFlightMax: number,
  requests: number,
  frames: Buffer[],
) {
  const startMs = performance.now();
  const results = await Promise.all(
    Array.from({ length: connections }, (_, connection) => {
      const first = Math.floor((requests * connection) / connections);
      const end = Math.floor((requests * (connection + 1)) / connections);
      const frameAt = (i: number) => frames[(first + i) % frames.length] as Buffer;
      return runPipeline({ port, requests: end - first, inFlightMax, frameAt });
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  return { bytes: results.reduce((sum, { replyBytes }) => sum + replyBytes, 0), seconds };
}

function cpuPerGigabyte(pid: number, beforeMs: number, bytes: number): number {
  return (cpuMs(pid) - beforeMs) / 1_000 / (bytes / 1e9);
}
