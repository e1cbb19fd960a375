/**
 * Memory mappings before and after: the same writes and reads, of log and index, through file I/O and through
 * mappings, in turn, in one run; the ratio says what mappings do to it. Without a sync the page cache takes the
 * writes; a cold read finds nothing in it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disk } from "../src/base/disk.ts";
import { seededRandom } from "../src/base/random.ts";
import { type LogIo, type LogIoKind, logIoOf } from "../src/log/log-io.ts";
import { OffsetIndex } from "../src/log/offset-index.ts";
import { comparePairs, MEGABYTE, type Spread } from "./lib/pairs.ts";

const LOG_BYTES = 64 << 20;
const ROUNDS = 7;
const SYNC_BYTES = 1 << 20;
const ENTRIES = 32_768; // of a full segment of 128 MiB
const LOOKUPS = 200_000;
const THOUSAND = 1e3;
const KINDS: readonly LogIoKind[] = ["mmap", "file"];

interface Place {
  root: string;
  io: Record<LogIoKind, LogIo>;
  next: number;
}

const pathIn = (place: Place) => join(place.root, `${place.next++}`);
const secondsSince = (start: number) => (performance.now() - start) / 1_000;

/** A log of LOG_BYTES that is on the disk, so that a cold read finds it nowhere else. */
async function writtenLog(place: Place): Promise<string> {
  const path = pathIn(place);
  const file = place.io.file.createLog(path);
  const piece = Buffer.alloc(64 << 10, 7);
  for (let at = 0; at < LOG_BYTES; at += piece.length) file.append(piece);
  file.trim();
  await file.sync();
  file.release();
  return path;
}

/** MB/s of appends of `batch`, synced after every MiB or never. */
async function appendRate(place: Place, kind: LogIoKind, batch: Buffer, synced: boolean): Promise<number> {
  const path = pathIn(place);
  const count = LOG_BYTES / batch.length;
  const batchesPerSync = SYNC_BYTES / batch.length;
  const file = place.io[kind].createLog(path);
  const start = performance.now();
  for (let i = 1; i <= count; i++) {
    file.append(batch);
    if (synced && i % batchesPerSync === 0) await file.sync();
  }
  file.trim();
  const seconds = secondsSince(start);
  file.release();
  rmSync(path);
  return LOG_BYTES / seconds / MEGABYTE;
}

/** MB/s of reads of `bytes` each through a log that is in the page cache, or is not. */
function readRate(place: Place, kind: LogIoKind, path: string, bytes: number, cold: boolean): number {
  const file = place.io[kind].openSealedLog(path);
  if (cold) file.dropCache();
  const into = Buffer.allocUnsafeSlow(bytes);
  const start = performance.now();
  for (let at = 0; at + bytes <= LOG_BYTES; at += bytes) file.read(into, at);
  const seconds = secondsSince(start);
  file.release();
  return LOG_BYTES / seconds / MEGABYTE;
}

/** Thousands of entries a second into a new index, which is sealed in the end. */
function indexWriteRate(place: Place, kind: LogIoKind): number {
  const path = pathIn(place);
  const start = performance.now();
  const index = OffsetIndex.create(place.io[kind], path, 0);
  for (let i = 1; i <= ENTRIES; i++) index.add(i * 7, i * 4_096);
  index.seal();
  const seconds = secondsSince(start);
  index.close();
  rmSync(path);
  return ENTRIES / seconds / THOUSAND;
}

async function writtenIndex(place: Place): Promise<string> {
  const path = pathIn(place);
  const index = OffsetIndex.create(place.io.file, path, 0);
  for (let i = 1; i <= ENTRIES; i++) index.add(i * 7, i * 4_096);
  index.seal();
  index.close();
  const file = disk.open(path, "write");
  await file.sync();
  file.close();
  return path;
}

/** Thousands of look-ups a second in an open index. */
function lookupRate(place: Place, kind: LogIoKind, path: string): number {
  const index = OffsetIndex.openSealed(place.io[kind], path, 0) as OffsetIndex;
  const random = seededRandom(1);
  const offsets = Uint32Array.from({ length: LOOKUPS }, () => random.uint32() % (ENTRIES * 7));
  let sum = 0;
  const start = performance.now();
  for (const offset of offsets) sum += index.entryForOffset(offset);
  const seconds = secondsSince(start);
  index.close();
  if (sum <= 0) throw new Error("the look-ups found nothing");
  return LOOKUPS / seconds / THOUSAND;
}

/** Indexes opened, checked and asked once, a second. */
function openRate(place: Place, kind: LogIoKind, path: string, cold: boolean): number {
  const times = cold ? 10 : 100;
  let seconds = 0;
  for (let i = 0; i < times; i++) {
    if (cold) dropCacheOf(path);
    const start = performance.now();
    const index = OffsetIndex.openSealed(place.io[kind], path, 0) as OffsetIndex;
    index.entryForOffset(i);
    seconds += secondsSince(start);
    index.close();
  }
  return times / seconds;
}

function dropCacheOf(path: string): void {
  const file = disk.open(path, "read");
  file.dropCache();
  file.close();
}

/** Mappings against file I/O. */
function compare(
  name: string,
  unit: string,
  rate: (kind: LogIoKind) => number | Promise<number>,
): Promise<Spread> {
  const [mapped, plain] = KINDS.map((kind) => () => rate(kind)) as [() => number, () => number];
  return comparePairs(name, unit, ROUNDS, mapped, plain);
}

export async function run(): Promise<void> {
  console.log("log-io: memory mappings against file I/O");
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const io = { file: logIoOf("file", disk), mmap: logIoOf("mmap", disk) };
  const place: Place = { root, io, next: 0 };
  try {
    for (const kib of [1, 16, 256]) {
      const batch = Buffer.alloc(kib << 10, 7);
      await compare(`log, write ${kib} KiB`, "MB/s", (kind) => appendRate(place, kind, batch, false));
      const synced = `log, write ${kib} KiB, sync every MiB`;
      await compare(synced, "MB/s", (kind) => appendRate(place, kind, batch, true));
    }
    const path = await writtenLog(place);
    for (const kib of [1, 16, 256]) {
      await compare(`log, read ${kib} KiB, warm`, "MB/s", (kind) =>
        readRate(place, kind, path, kib << 10, false),
      );
      await compare(`log, read ${kib} KiB, cold`, "MB/s", (kind) =>
        readRate(place, kind, path, kib << 10, true),
      );
    }
    const index = await writtenIndex(place);
    await compare("index, write 32,768 entries and seal", "k/s ", (kind) => indexWriteRate(place, kind));
    await compare("index, look up", "k/s ", (kind) => lookupRate(place, kind, index));
    await compare("index, open and look up once, warm", "1/s ", (kind) =>
      openRate(place, kind, index, false),
    );
    await compare("index, open and look up once, cold", "1/s ", (kind) => openRate(place, kind, index, true));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
