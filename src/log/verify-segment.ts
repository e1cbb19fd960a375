/**
 * Reads one log file from its first byte to its last, checksums and offsets, and tells what is wrong with it. It
 * changes nothing, trusts nothing, and goes on behind damage at the next batch that belongs there.
 *
 *   | batch 0..9 | batch 10..19 | bad bytes ..... | batch 35..40 | torn
 *                               ^ position, bytes ; offsets 20..35 are lost
 *
 * A file that no other follows may end torn, behind what is known to have been on the disk: what a crash left
 * half-written, and room reserved in advance (zeros).
 */
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { BatchScan } from "./batch-scan.ts";
import type { DamagedRange, Note } from "./damage.ts";
import { IndexCheck } from "./index-check.ts";
import type { SegmentPaths } from "./layout.ts";
import { baseOffsetOf, maxTimestampOf, nextOffsetOf, recordCountOf } from "./record-batch.ts";
import { SectorReader } from "./sector-reader.ts";

export interface SegmentReport {
  bytes: number;
  batches: number;
  records: number;
  /** The offset behind the last good batch. */
  endOffset: number;
  damage: DamagedRange[];
  notes: Note[];
}

export interface SegmentToVerify {
  fileSystem: FileSystem;
  paths: SegmentPaths;
  baseOffset: number;
  /** Where the next segment begins; undefined for the last one. */
  nextBaseOffset: number | undefined;
  /** Of the last segment: what is known to have been on the disk, and good, up to this byte and this offset. */
  durable?: { position: number; endOffset: number } | undefined;
  /** Whether a running voik may be appending to it: then its end is in motion. */
  growing?: boolean;
  /** Whether to read from the device, past the page cache, and leave nothing in the cache. */
  fromDevice?: boolean;
  /** Bytes to read at a time. */
  windowBytes?: number;
  /** Told of the bytes and batches read since it was told last, and waited for. */
  pace?: (bytes: number, batches: number) => Promise<void> | void;
}

const WINDOW_BYTES = 1 << 20;
/** How often bad bytes at the end of a growing file are looked at again. */
const LOOKS_MAX = 3;

/** Throws the system's error when the file can't be opened; bytes that can't be read are damage. */
export async function verifySegment(segment: SegmentToVerify): Promise<SegmentReport> {
  const file = segment.fileSystem.open(segment.paths.log, "read");
  try {
    if (segment.fromDevice) file.dropCache();
    return await new SegmentCheck(file, segment).run();
  } finally {
    if (segment.fromDevice) file.dropCache();
    file.close();
  }
}

class SegmentCheck {
  private readonly report: SegmentReport;
  private readonly sectors: SectorReader;
  private readonly index: IndexCheck;
  private readonly windowBytes: number;
  private readonly end: number;
  private scan: BatchScan;
  private position = 0;
  private pacedAt = 0;
  private pacedBatches = 0;
  private maxTimestampMs = -1;
  private looks = 0;

  constructor(
    file: OpenFile,
    private readonly segment: SegmentToVerify,
  ) {
    this.end = file.size();
    this.sectors = new SectorReader(file);
    this.windowBytes = segment.windowBytes ?? WINDOW_BYTES;
    this.scan = this.newScan();
    this.index = new IndexCheck(segment.fileSystem, segment.paths, segment.baseOffset);
    this.report = {
      bytes: this.end,
      batches: 0,
      records: 0,
      endOffset: segment.baseOffset,
      damage: [],
      notes: [],
    };
  }

  async run(): Promise<SegmentReport> {
    const { report, segment } = this;
    while (this.position < this.end) {
      const batch = this.scan.batchAt(this.position);
      if (batch && baseOffsetOf(batch) === report.endOffset && this.belongsHere(batch)) this.note(batch);
      else if (this.isWorthAnotherLook()) this.scan = this.newScan();
      else if (!(await this.stepOverDamage())) break;
      if (this.position - this.pacedAt >= this.windowBytes) await this.pace();
    }
    await this.pace();
    const { nextBaseOffset } = segment;
    const endOffset = nextBaseOffset ?? segment.durable?.endOffset ?? 0;
    if (report.endOffset < endOffset && !this.endsDamaged()) this.damaged(this.end, 0, endOffset);
    if (nextBaseOffset !== undefined) {
      report.notes.push(...this.index.finish(report.endOffset, this.maxTimestampMs));
    }
    return report;
  }

  private note(batch: Buffer): void {
    const { report } = this;
    this.index.batch(this.position, baseOffsetOf(batch));
    this.maxTimestampMs = Math.max(this.maxTimestampMs, maxTimestampOf(batch));
    report.batches++;
    report.records += recordCountOf(batch);
    report.endOffset = nextOffsetOf(batch);
    this.position += batch.length;
    this.looks = 0;
  }

  private belongsHere(batch: Buffer): boolean {
    return nextOffsetOf(batch) <= (this.segment.nextBaseOffset ?? Infinity);
  }

  /** A batch may be half-way into the file of a running voik: the page that was read is then out of date. */
  private isWorthAnotherLook(): boolean {
    return this.segment.growing === true && this.looks++ < LOOKS_MAX;
  }

  /** Goes to the next batch that belongs here and remembers what lay between; false when there is none. */
  private async stepOverDamage(): Promise<boolean> {
    const start = this.position;
    const next = await this.findNext();
    this.position = next ?? this.end;
    if (next === undefined && this.segment.nextBaseOffset === undefined) {
      this.tornTail(start);
      return false;
    }
    const { nextBaseOffset } = this.segment;
    if (next === undefined && this.report.endOffset === nextBaseOffset && this.isReservedRoom(start))
      return false;
    const batch = next === undefined ? undefined : this.scan.batchAt(next);
    this.damaged(start, this.position - start, batch ? baseOffsetOf(batch) : nextBaseOffset);
    return next !== undefined;
  }

  /** Where the next batch starts that belongs here, from the bad bytes at `position` on. */
  private async findNext(): Promise<number | undefined> {
    for (let from = this.position; from < this.end;) {
      const before = from + this.windowBytes;
      const found = this.scan.nextBatch(from, this.report.endOffset, before);
      if (found !== undefined) {
        const batch = this.scan.batchAt(found);
        if (batch && this.belongsHere(batch) && !this.isMisnumbered(found, batch)) return found;
      }
      from = found === undefined ? before : found + 1;
      this.position = Math.min(from, this.end);
      if (this.position - this.pacedAt >= this.windowBytes) await this.pace();
    }
    return undefined;
  }

  /**
   * Whether a batch bears another offset than its place gives it: the one behind it goes on as if it bore that. The
   * checksum does not cover the offset, so a flipped bit there would pass for a gap, and all behind it for damage.
   */
  private isMisnumbered(position: number, batch: Buffer): boolean {
    const expectedNext = this.report.endOffset + nextOffsetOf(batch) - baseOffsetOf(batch);
    if (nextOffsetOf(batch) === expectedNext) return false;
    const behind = this.scan.batchAt(position + batch.length);
    return behind !== undefined && baseOffsetOf(behind) === expectedNext;
  }

  private tornTail(start: number): void {
    const { durable } = this.segment;
    if (durable && this.report.endOffset < durable.endOffset)
      return this.damaged(start, this.end - start, durable.endOffset);
    if (this.segment.growing || this.isReservedRoom(start)) return;
    const message =
      `${this.end - start} bytes from byte ${start} on are no whole batch: ` +
      "what a crash leaves half-written; the next start cuts it off and keeps it beside the log";
    if (this.sectors.unreadable) this.damaged(start, this.end - start, undefined);
    else this.report.notes.push({ path: this.segment.paths.log, message });
  }

  private isReservedRoom(start: number): boolean {
    const piece = Buffer.allocUnsafe(this.windowBytes);
    for (let at = start; at < this.end; at += piece.length) {
      const bytes = this.sectors.read(piece.subarray(0, Math.min(piece.length, this.end - at)), at);
      if (piece.subarray(0, bytes).some((byte) => byte !== 0)) return false;
    }
    return !this.sectors.unreadable;
  }

  private damaged(position: number, bytes: number, endOffset: number | undefined): void {
    const { report } = this;
    report.damage.push({
      path: this.segment.paths.log,
      position,
      bytes,
      offset: report.endOffset,
      endOffset,
    });
    if (endOffset !== undefined) report.endOffset = endOffset;
  }

  private endsDamaged(): boolean {
    const last = this.report.damage.at(-1);
    return last !== undefined && last.position + last.bytes === this.end;
  }

  private newScan(): BatchScan {
    return new BatchScan(this.sectors, this.end, this.windowBytes);
  }

  private async pace(): Promise<void> {
    const bytes = this.position - this.pacedAt;
    const batches = this.report.batches - this.pacedBatches;
    this.pacedAt = this.position;
    this.pacedBatches = this.report.batches;
    if (bytes > 0) await this.segment.pace?.(bytes, batches);
  }
}
