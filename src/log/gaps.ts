/**
 * Ranges of a shard's log that can't be read any more, noted in the file `gaps` of its folder: one entry when damage
 * is found, another when `voik log repair` has set its bytes aside. The last whole entry about a place counts. The
 * bytes themselves are never cut, moved or written over, so every other record keeps its offset and its place.
 *
 *   entry   | "voik" | crc32c u32 of the rest | segment base i64 | position i64 | end i64 | from i64 | to i64 |
 *             state i64: 1 damaged, 2 set aside | 0 i64 |                                        64 bytes
 *
 *   damaged     reads of from..to answer storage_damaged, and the shard takes no writes
 *   set aside   reads of from..to go on at `to`: the offsets between are seen to be missing, and writes go on
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { GAPS_NAME, segmentPaths } from "./layout.ts";
import type { Boundary } from "./log-end.ts";

/** Bytes `position` to `end` of a segment's file, which held the offsets `from` to `to`; empty where a file is cut short. */
export interface Gap {
  segmentBase: number;
  position: number;
  end: number;
  from: number;
  to: number;
  /** An operator knows of it: the log goes on without these offsets. */
  setAside: boolean;
}

const ENTRY_BYTES = 64;
const MAGIC = 0x766f696b;

export class Gaps {
  /** In the order of their place in the log. */
  private readonly gaps: Gap[] = [];
  /** Where the next entry goes. */
  private fileEnd = 0;

  private constructor(
    private readonly fileSystem: FileSystem,
    private readonly folder: string,
  ) {}

  /** Reads what is noted in a shard's folder. Throws the system's error. */
  static open(fileSystem: FileSystem, folder: string): Gaps {
    const gaps = new Gaps(fileSystem, folder);
    const path = `${folder}/${GAPS_NAME}`;
    if (!fileSystem.exists(path)) return gaps;
    const file = fileSystem.open(path, "read");
    try {
      gaps.fileEnd = file.size();
      const bytes = Buffer.alloc(gaps.fileEnd);
      file.read(bytes, 0);
      for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) gaps.take(bytes, at);
      gaps.fileEnd -= gaps.fileEnd % ENTRY_BYTES;
    } finally {
      file.close();
    }
    return gaps;
  }

  get count(): number {
    return this.gaps.length;
  }

  get all(): readonly Gap[] {
    return this.gaps;
  }

  /** The first gap that nobody has set aside. */
  get damaged(): Gap | undefined {
    return this.gaps.find((gap) => !gap.setAside);
  }

  /** Notes a gap, in memory and in the file; false when it was known as it is. A note that the disk refuses is not kept. */
  note(gap: Gap): boolean {
    const known = this.gaps.find((other) => isSamePlace(other, gap));
    if (known && (known.setAside || !gap.setAside) && known.end >= gap.end) return false;
    this.place(gap);
    try {
      this.append(gap).close();
    } catch {
      // Damage is found again when it is met again.
    }
    return true;
  }

  /** Notes a gap durably. Throws the system's error. */
  async noteDurably(gap: Gap): Promise<void> {
    this.place(gap);
    const file = this.append(gap);
    try {
      await file.sync();
    } finally {
      file.close();
    }
    await this.fileSystem.syncFolder(this.folder);
  }

  /** Where a read at `offset` starts: there, or behind what was set aside. Throws VoikError storage_damaged inside damage. */
  readableFrom(offset: number): number {
    const damage = this.gaps.find((gap) => !gap.setAside && offset >= gap.from && offset < gap.to);
    if (damage) throw this.errorOf(damage);
    const from = this.behind(offset);
    return from === offset ? offset : this.readableFrom(from);
  }

  /** `offset`, or where the gap ends that it lies in. */
  behind(offset: number): number {
    let from = offset;
    for (const gap of this.gaps) {
      if (from >= gap.from && from < gap.to) from = gap.to;
    }
    return from;
  }

  /** Where a range of `segmentBase`'s file that starts at `position` and would end at `end` has to stop. */
  clip(segmentBase: number, position: number, end: Boundary): Boundary {
    for (const gap of this.gaps) {
      if (gap.segmentBase === segmentBase && gap.position > position && gap.position < end.position)
        return { position: gap.position, offset: gap.from };
    }
    return end;
  }

  /** The gap of `segmentBase`'s file that starts at `position`. */
  at(segmentBase: number, position: number): Gap | undefined {
    return this.gaps.find((gap) => gap.segmentBase === segmentBase && gap.position === position);
  }

  errorOf({ segmentBase, position, end, from, to }: Gap): VoikError {
    const { log } = segmentPaths(this.folder, segmentBase);
    return new VoikError(
      "storage_damaged",
      `damaged record batch in ${log} at bytes ${position} to ${end}, offsets ${from} to ${to - 1}: ` +
        "other records stay readable; `voik log repair` lets the shard take writes again",
    );
  }

  /** For a byte of `segmentBase`'s file where no batch starts, though one should. */
  errorAt(segmentBase: number, position: number): VoikError {
    const gap = this.at(segmentBase, position);
    if (gap) return this.errorOf(gap);
    const { log } = segmentPaths(this.folder, segmentBase);
    return new VoikError(
      "storage_damaged",
      `damaged record batch in ${log} at byte ${position}; other records stay readable`,
    );
  }

  private place(gap: Gap): void {
    const at = this.gaps.findIndex((other) => isSamePlace(other, gap));
    if (at >= 0) this.gaps.splice(at, 1);
    this.gaps.push({ ...gap });
    this.gaps.sort((a, b) => a.segmentBase - b.segmentBase || a.position - b.position);
  }

  private append(gap: Gap): OpenFile {
    const path = `${this.folder}/${GAPS_NAME}`;
    const file = this.fileSystem.open(path, this.fileSystem.exists(path) ? "write" : "create");
    try {
      file.write(entryOf(gap), this.fileEnd);
    } catch (error) {
      file.close();
      throw error;
    }
    this.fileEnd += ENTRY_BYTES;
    return file;
  }

  private take(bytes: Buffer, at: number): void {
    const entry = bytes.subarray(at, at + ENTRY_BYTES);
    if (entry.readUInt32BE(0) !== MAGIC || entry.readUInt32BE(4) !== crc32c(entry.subarray(8))) return;
    this.place({
      segmentBase: readInt64(entry, 8),
      position: readInt64(entry, 16),
      end: readInt64(entry, 24),
      from: readInt64(entry, 32),
      to: readInt64(entry, 40),
      setAside: readInt64(entry, 48) === 2,
    });
  }
}

function isSamePlace(a: Gap, b: Gap): boolean {
  return a.segmentBase === b.segmentBase && a.position === b.position;
}

function entryOf(gap: Gap): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.writeUInt32BE(MAGIC, 0);
  const values = [gap.segmentBase, gap.position, gap.end, gap.from, gap.to, gap.setAside ? 2 : 1];
  values.forEach((value, i) => writeInt64(entry, value, 8 + i * 8));
  entry.writeUInt32BE(crc32c(entry.subarray(8)), 4);
  return entry;
}
