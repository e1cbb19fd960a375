/**
 * How does the latency of an acknowledged append grow with writers and busy shards? Each writer appends a record of
 * 1 KB, waits until it is acknowledged, and goes on to the next shard; bare loops of the same writes and syncs run beside it.
 */
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { disk } from "../src/base/disk.ts";
import { silentLogger } from "../src/base/logger.ts";
import { openVolume, whyNoVolume } from "../src/base/volume.ts";
import { AppendBuffers } from "../src/log/append-buffers.ts";
import { CommitLog } from "../src/log/commit-log.ts";
import { GroupCommit, type SyncKind, TOGETHER_FROM } from "../src/log/group-commit.ts";
import { Journal } from "../src/log/journal.ts";
import type { Durability } from "../src/log/log-factory.ts";
import { batchOfBytes } from "./lib/batches.ts";

const BATCH_BYTES = 1_200;
const WRITERS = [1, 8, 64, 512];
const SHARDS = [1, 16, 256];
const WARM_UP_MS = 300;
const MEASURE_MS = 1_200;
const BARE_MS = 1_000;
const BARE_FILES = 256;
const LAG_EVERY_MS = 2;

interface Figures {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Latencies while `measuring`. */
class Latencies {
  private readonly values: number[] = [];
  measuring = false;

  note(ms: number): void {
    if (this.measuring) this.values.push(ms);
  }

  get count(): number {
    return this.values.length;
  }

  at(share: number): number {
    this.values.sort((a, b) => a - b);
    return this.values[Math.min(this.values.length - 1, Math.floor(this.values.length * share))] ?? 0;
  }
}

/** Appends, waits, appends to the next log. Holds still while a log has too much unsynced, as the server's edges do. */
class Writer {
  private startMs = 0;

  constructor(
    private readonly logs: readonly CommitLog[],
    private next: number,
    private readonly batch: Buffer,
    private readonly latencies: Latencies,
    private readonly running: { yes: boolean },
  ) {}

  readonly go = (): void => {
    const { logs } = this;
    const log = logs[this.next] as CommitLog;
    if (!this.running.yes) return;
    if (log.congested) return this.waitForRoom(log);
    this.next = (this.next + 1) % logs.length;
    this.startMs = performance.now();
    log.append(this.batch, this);
  };

  onDurable(): void {
    this.latencies.note(performance.now() - this.startMs);
    // As a client's next request comes: through the event loop.
    setImmediate(this.go);
  }

  onAppendFailed(_: unknown, error: Error): void {
    throw error;
  }

  private waitForRoom(log: CommitLog): void {
    const listener = {
      onDurableEnd: () => {
        log.removeTailListener(listener);
        setImmediate(this.go);
      },
    };
    log.addTailListener(listener);
  }
}

function bareLoop(folder: string, batch: Buffer): Figures {
  const fd = openSync(join(folder, "bare"), "w");
  const latencies = new Latencies();
  latencies.measuring = true;
  const start = performance.now();
  for (let position = 0; performance.now() - start < BARE_MS; position += batch.length) {
    const before = performance.now();
    writeSync(fd, batch, 0, batch.length, position);
    fdatasyncSync(fd);
    latencies.note(performance.now() - before);
  }
  const perSecond = (latencies.count / (performance.now() - start)) * 1_000;
  closeSync(fd);
  return { perSecond, p50Ms: latencies.at(0.5), p99Ms: latencies.at(0.99) };
}

/** One write to each of 256 files, each in a folder of its own as logs are, and one syncfs: again and again. */
async function bareRounds(root: string, batch: Buffer): Promise<Figures> {
  const folder = mkdtempSync(join(root, "rounds-"));
  const volume = openVolume(folder, console.error);
  while (!volume.prepare()) await new Promise(setImmediate);
  const fds = Array.from({ length: BARE_FILES }, (_, i) => {
    mkdirSync(join(folder, String(i)));
    return openSync(join(folder, String(i), "file"), "w");
  });
  const latencies = new Latencies();
  const start = performance.now();
  for (let position = 0; performance.now() - start < BARE_MS; position += batch.length) {
    latencies.measuring = position > 0; // the first round syncs the folders too
    const before = performance.now();
    for (const fd of fds) writeSync(fd, batch, 0, batch.length, position);
    await volume.sync();
    latencies.note(performance.now() - before);
  }
  const perSecond = ((latencies.count * BARE_FILES) / (performance.now() - start)) * 1_000;
  for (const fd of fds) closeSync(fd);
  volume.close();
  return { perSecond, p50Ms: latencies.at(0.5), p99Ms: latencies.at(0.99) };
}

interface Case {
  root: string;
  shards: number;
  durability: Durability;
  batch: Buffer;
}

/** Opens the case's shards once and measures every number of writers on them. */
async function measureCase({ root, shards, durability, batch }: Case): Promise<void> {
  const folder = mkdtempSync(join(root, "case-"));
  const syncs: Record<SyncKind, number> = { file: 0, filesystem: 0, journal: 0 };
  const volume = whyNoVolume([folder]) === undefined ? openVolume(folder, console.error) : undefined;
  const journal = Journal.open({ fileSystem: disk, clock: systemClock, root: folder });
  const groupCommit = new GroupCommit(
    (error) => {
      throw error;
    },
    systemClock,
    { volume, journal, togetherFrom: TOGETHER_FROM, onSynced: (kind) => syncs[kind]++ },
  );
  const options = {
    fileSystem: disk,
    logger: silentLogger,
    segmentBytesMax: 128 << 20,
    retentionMs: Infinity,
    retentionBytes: Infinity,
    durability,
    journal,
    appendBuffers: new AppendBuffers(256),
  };
  const logs = await Promise.all(
    Array.from({ length: shards }, (_, i) =>
      CommitLog.open({ ...options, folder: join(folder, "streams", "bench", String(i)) }, groupCommit),
    ),
  );
  for (const writers of WRITERS) {
    syncs.file = syncs.filesystem = syncs.journal = 0;
    const { figures, lag } = await measure(logs, writers, batch);
    const columns = [
      durability.padEnd(5),
      String(shards).padStart(6),
      String(writers).padStart(8),
      figures.perSecond.toFixed(0).padStart(10),
      figures.p50Ms.toFixed(2).padStart(8),
      figures.p99Ms.toFixed(2).padStart(8),
      lag.toFixed(2).padStart(8),
      `${syncs.file}/${syncs.filesystem}/${syncs.journal}`.padStart(16),
    ];
    console.log(`  ${columns.join(" ")}`);
  }
  await Promise.all(logs.map((log) => log.close()));
  journal.close();
  volume?.close();
  rmSync(folder, { recursive: true, force: true });
  // Forgetting gigabytes takes the file system a while, which the next case would pay for.
  Bun.spawnSync(["sync", "-f", root]);
}

async function measure(logs: readonly CommitLog[], writers: number, batch: Buffer) {
  const latencies = new Latencies();
  const lags = new Latencies();
  const running = { yes: true };
  for (let i = 0; i < writers; i++) {
    const from = Math.floor((i * logs.length) / writers) % logs.length;
    new Writer(logs, from, Buffer.from(batch), latencies, running).go();
  }
  await Bun.sleep(WARM_UP_MS);
  let expectedMs = performance.now() + LAG_EVERY_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lags.note(Math.max(0, nowMs - expectedMs));
    expectedMs = nowMs + LAG_EVERY_MS;
  }, LAG_EVERY_MS);
  const start = performance.now();
  latencies.measuring = lags.measuring = true;
  await Bun.sleep(MEASURE_MS);
  latencies.measuring = lags.measuring = running.yes = false;
  const seconds = (performance.now() - start) / 1_000;
  clearInterval(timer);
  while (logs.some((log) => log.waitingAppends > 0)) await new Promise(setImmediate);
  const figures = {
    perSecond: latencies.count / seconds,
    p50Ms: latencies.at(0.5),
    p99Ms: latencies.at(0.99),
  };
  return { figures, lag: lags.at(0.99) };
}

export async function run(): Promise<void> {
  console.log("group-commit: acknowledged appends of one 1 KB record, by writers and busy shards");
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const batch = batchOfBytes(BATCH_BYTES);
  const show = (what: string, { perSecond, p50Ms, p99Ms }: Figures) => {
    const rate = `${perSecond.toFixed(0)} a second`;
    console.log(`  bare ${what}: ${rate}, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`);
  };
  const showBare = async () => {
    show("write+fdatasync loop", bareLoop(root, batch));
    if (whyNoVolume([root]) !== undefined) return;
    show(`loop over ${BARE_FILES} files, write each, syncfs`, await bareRounds(root, batch));
  };
  try {
    await showBare();
    console.log("  acked shards  writers   a second   p50 ms   p99 ms lag p99  file/fs/journal syncs");
    for (const durability of ["sync", "os"] as const) {
      for (const shards of SHARDS) await measureCase({ root, shards, durability, batch });
    }
    await showBare();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
