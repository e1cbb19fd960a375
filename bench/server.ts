/**
 * One server for a benchmark, in a process of its own: `server <role> <folder>`, a part of bench/main.ts. Prints a
 * line of JSON with its port, and runs until its standard input ends.
 *
 *   voik        the Kafka edge over the real disk          voik-no-sync   the same without fdatasync
 *   kinesis     the Kinesis edge over the real disk        kinesis-no-sync
 *   null-sink   cuts frames and answers, keeps nothing     json-sink      parses a JSON body and forgets it
 *   file        a bare sendfile loop over the log files in <folder>
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { disk } from "../src/base/disk.ts";
import { sendfile } from "../src/base/libc.ts";
import { silentLogger } from "../src/base/logger.ts";
import { MetricsRegistry } from "../src/base/metrics.ts";
import { systemRandom } from "../src/base/random.ts";
import { AllGroups } from "../src/groups/all-groups.ts";
import { ConsumerCoordinator } from "../src/groups/consumer-coordinator.ts";
import { GroupCoordinator } from "../src/groups/coordinator.ts";
import { OffsetStore } from "../src/groups/offset-store.ts";
import { startKafkaServer } from "../src/kafka/server.ts";
import { startKinesisServer } from "../src/kinesis/server.ts";
import { LogStore } from "../src/log/log-store.ts";
import { StreamBroker } from "../src/streams/stream-broker.ts";
import { openTestAccess } from "../test/helpers/access.ts";
import { openTestTransactions } from "../test/helpers/transactions.ts";
import { diskWithoutSync } from "./lib/no-sync.ts";

const REPLY_BYTES = 64;

/** A broker with one stream, `bench`, of one shard. */
async function openBroker(folder: string, sync: boolean): Promise<StreamBroker> {
  const parts = { fileSystem: sync ? disk : diskWithoutSync, clock: systemClock, logger: silentLogger };
  const logs = new LogStore({
    ...parts,
    segmentBytesMax: 1 << 30,
    retentionBytes: Infinity,
    onSyncFailure: (error) => {
      throw error;
    },
  });
  const broker = await StreamBroker.open({
    ...parts,
    dataDir: folder,
    openLog: logs.open,
    random: systemRandom,
    retentionMsDefault: 7 * 86_400_000,
    shardCountMax: 100,
  });
  await broker.createStream({ name: "bench", shardCount: 1 });
  return broker;
}

async function serveKafka(folder: string, sync: boolean): Promise<number> {
  const broker = await openBroker(folder, sync);
  const clock = systemClock;
  const offsets = await OffsetStore.open({
    path: join(folder, "groups.db"),
    fileSystem: disk,
    clock,
    onSyncFailure(error) {
      throw error;
    },
  });
  const parts = { offsets, clock, random: systemRandom, logger: silentLogger };
  const classic = new GroupCoordinator({
    ...parts,
    streamExists: (id) => broker.streamById(id) !== undefined,
  });
  const consumers = new ConsumerCoordinator({ ...parts, streamByName: (name) => broker.streamByName(name) });
  const groups = new AllGroups(classic, consumers);
  const { transactions } = await openTestTransactions({ broker, groups, folder });
  const access = await openTestAccess({ folder, enforcing: false });
  return startKafkaServer({ broker, groups, transactions, access, host: "127.0.0.1", port: 0 }).port;
}

async function serveKinesis(folder: string, sync: boolean): Promise<number> {
  const broker = await openBroker(folder, sync);
  return startKinesisServer({
    broker,
    host: "127.0.0.1",
    port: 0,
    iteratorKey: systemRandom.bytes(32),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics: new MetricsRegistry(),
  }).port;
}

interface SinkState {
  /** Bytes of the present frame still to come; the first 8 (size, api) are kept in `head`. */
  left: number;
  head: Buffer;
  headBytes: number;
}

/** Cuts frames by their length and answers each with as many bytes as a produce reply has. */
function serveNullSink(): number {
  const replies = Buffer.alloc(REPLY_BYTES * 1024);
  for (let at = 0; at < replies.length; at += REPLY_BYTES) replies.writeInt32BE(REPLY_BYTES - 4, at);
  return Bun.listen<SinkState>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { left: 0, head: Buffer.alloc(4), headBytes: 0 }),
      data(socket, bytes) {
        const state = socket.data;
        let frames = 0;
        for (let at = 0; at < bytes.length;) {
          if (state.left === 0) {
            const taken = bytes.copy(state.head, state.headBytes, at, at + 4 - state.headBytes);
            at += taken;
            state.headBytes += taken;
            if (state.headBytes < 4) break;
            state.headBytes = 0;
            state.left = state.head.readInt32BE(0);
          }
          const taken = Math.min(state.left, bytes.length - at);
          at += taken;
          state.left -= taken;
          if (state.left === 0) frames++;
        }
        if (frames > 0) socket.write(replies.subarray(0, frames * REPLY_BYTES));
      },
    },
  }).port;
}

/** Reads the body and parses the JSON: what any HTTP server in this runtime pays before it does anything. */
function serveJsonSink(): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    http2: true,
    maxRequestBodySize: 16 << 20,
    fetch: async (request) => {
      const { Records } = JSON.parse(await request.text()) as { Records: unknown[] };
      return new Response(JSON.stringify({ count: Records.length }));
    },
  });
  return server.port as number;
}

/** Descriptors of all log files in a folder, in the order of streams, shards and offsets. */
function openLogFiles(folder: string): number[] {
  const paths = [...new Bun.Glob("**/*.log").scanSync(folder)];
  paths.sort(new Intl.Collator("en", { numeric: true }).compare);
  return paths.map((path) => openSync(join(folder, path), "r"));
}

/** Answers each 12-byte request (file u32, position u32, bytes u32) with size and that piece, by sendfile. */
function serveFiles(folder: string): number {
  const fds = openLogFiles(folder);
  interface Sending {
    asked: Buffer;
    fd: number;
    position: number;
    bytes: number;
  }
  const pump = (socket: Bun.Socket<Sending>) => {
    const state = socket.data;
    const socketFd = (socket as unknown as { fd: number }).fd;
    for (;;) {
      while (state.bytes > 0) {
        const sent = sendfile?.(socketFd, state.fd, state.position, state.bytes) ?? 0;
        if (sent <= 0) {
          // EAGAIN: a small write through Bun arms `drain`.
          const piece = Buffer.allocUnsafe(Math.min(4096, state.bytes));
          piece.fill(0);
          const written = socket.write(piece);
          state.position += written;
          state.bytes -= written;
          if (written < piece.length) return;
          continue;
        }
        state.position += sent;
        state.bytes -= sent;
      }
      if (state.asked.length < 12) return;
      state.fd = fds[state.asked.readUInt32BE(0)] as number;
      state.position = state.asked.readUInt32BE(4);
      state.bytes = state.asked.readUInt32BE(8);
      state.asked = state.asked.subarray(12);
      const size = Buffer.alloc(4);
      size.writeInt32BE(state.bytes, 0);
      socket.write(size);
    }
  };
  return Bun.listen<Sending>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { asked: Buffer.alloc(0), fd: -1, position: 0, bytes: 0 }),
      data(socket, bytes) {
        socket.data.asked = Buffer.concat([socket.data.asked, bytes]);
        pump(socket);
      },
      drain: pump,
    },
  }).port;
}

const ROLES: Record<string, (folder: string) => number | Promise<number>> = {
  voik: (folder) => serveKafka(folder, true),
  "voik-no-sync": (folder) => serveKafka(folder, false),
  kinesis: (folder) => serveKinesis(folder, true),
  "kinesis-no-sync": (folder) => serveKinesis(folder, false),
  "null-sink": serveNullSink,
  "json-sink": serveJsonSink,
  file: serveFiles,
};

export async function run([role = "", folder = ""]: readonly string[]): Promise<void> {
  const start = ROLES[role];
  if (!start) throw new Error(`no role ${role}`);
  console.log(JSON.stringify({ port: await start(folder) }));
  for await (const _ of Bun.stdin.stream()) {
    // runs until whoever started it closes the pipe
  }
}
