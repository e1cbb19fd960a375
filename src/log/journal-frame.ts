/**
 * The bytes of the journal: one frame for each round, each in sectors of its own, so that writing one can't tear another.
 *
 *   frame  | "vkjl" | crc32c u32 of the rest | bytes u32 | entries u32 | generation i64 | number i64 | entry | … | zeros to 512
 *   entry  | key bytes u16 | 0 u16 | bytes u32 | base offset i64 | key | record batches, whole, one behind the other
 *
 * A file is filled from its start again and again; each time is a generation, and frames in it are numbered from 0. What
 * does not go on with the generation and the numbers of the file's first frame is left over from an earlier filling.
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import type { OpenFile } from "../base/file-system.ts";
import type { LogFile } from "./log-file.ts";
import {
  LEADER_EPOCH,
  baseOffsetOf,
  batchBytesOf,
  isIntactBatch,
  leaderEpochOf,
  nextOffsetOf,
} from "./record-batch.ts";

/** Larger rounds are for syncfs: there is less to save when there is much to write. */
export const FRAME_BYTES_MAX = 2 << 20;
const SECTOR_BYTES = 512;
const HEADER_BYTES = 32;
const ENTRY_HEADER_BYTES = 16;
const MAGIC = 0x766b6a6c;

/** Bytes of a log that are to be journaled. */
interface Piece {
  key: Buffer;
  file: LogFile;
  position: number;
  bytes: number;
  baseOffset: number;
}

/** What one frame is made of. */
export class JournalRound {
  private readonly pieces: Piece[] = [];
  private length = HEADER_BYTES;

  /** Bytes of its frame, in whole sectors. */
  get frameBytes(): number {
    return Math.ceil(this.length / SECTOR_BYTES) * SECTOR_BYTES;
  }

  /** `bytes` bytes of whole batches at `position` of a log's file; the first has `baseOffset`. */
  add(key: Buffer, file: LogFile, position: number, bytes: number, baseOffset: number): void {
    this.pieces.push({ key, file, position, bytes, baseOffset });
    this.length += ENTRY_HEADER_BYTES + key.length + bytes;
  }

  /** Writes the frame into `into`, of `frameBytes` bytes. Throws VoikError storage_failed when a log can't be read. */
  writeTo(into: Buffer, generation: number, number: number): void {
    let at = HEADER_BYTES;
    for (const { key, file, position, bytes, baseOffset } of this.pieces) {
      into.writeUInt16BE(key.length, at);
      into.writeUInt16BE(0, at + 2);
      into.writeUInt32BE(bytes, at + 4);
      writeInt64(into, baseOffset, at + 8);
      key.copy(into, at + ENTRY_HEADER_BYTES);
      at += ENTRY_HEADER_BYTES + key.length;
      const batches = into.subarray(at, at + bytes);
      if (!file.copyHeld(batches, position)) readBack(file, position, batches, baseOffset);
      at += bytes;
    }
    into.fill(0, at);
    into.writeUInt32BE(MAGIC, 0);
    into.writeUInt32BE(at, 8);
    into.writeUInt32BE(this.pieces.length, 12);
    writeInt64(into, generation, 16);
    writeInt64(into, number, 24);
    into.writeUInt32BE(crc32c(into.subarray(8, at)), 4);
  }
}

/** Reads whole batches. What is acknowledged has to be what was sent, not what memory made of it. */
function readBack(file: LogFile, position: number, batches: Buffer, baseOffset: number): void {
  if (file.read(batches, position) === batches.length && areIntact(batches, baseOffset)) return;
  throw new Error("a log can't be read back");
}

/** Whether `batches` are whole ones from `baseOffset` on: by their checksums, and by the stamp, which those don't cover. */
function areIntact(batches: Buffer, baseOffset: number): boolean {
  let next = baseOffset;
  for (let at = 0; at < batches.length;) {
    const batch = batches.subarray(at, at + Math.max(0, batchBytesOf(batches, at)));
    if (!isIntactBatch(batch) || baseOffsetOf(batch) !== next || leaderEpochOf(batch) !== LEADER_EPOCH)
      return false;
    next = nextOffsetOf(batch);
    at += batch.length;
  }
  return true;
}

/** Batches of one log in a journal file. */
export interface JournalEntry {
  key: string;
  file: number;
  position: number;
  bytes: number;
  baseOffset: number;
}

export interface JournalFileContent {
  /** 0 when there is no frame. */
  generation: number;
  entries: JournalEntry[];
}

/**
 * Reads the frames of `file`, which is number `index`. One that is torn was never acknowledged, and is passed over; so is
 * a damaged one: the log that lacks what was in it notices. Throws the system's error.
 */
export function readJournalFile(file: OpenFile, index: number): JournalFileContent {
  const content: JournalFileContent = { generation: 0, entries: [] };
  const size = file.size();
  const window = Buffer.allocUnsafeSlow(Math.min(size, 2 * FRAME_BYTES_MAX));
  let next = 0;
  for (let start = 0; start < size;) {
    const read = window.subarray(0, file.read(window, start));
    const last = start + read.length >= size;
    let at = 0;
    // A frame that begins in the second half may end behind the window.
    while (at + HEADER_BYTES <= read.length && (last || at < FRAME_BYTES_MAX)) {
      const frame = frameAt(read, at);
      const number = frame ? readInt64(frame, 24) : -1;
      const generation = frame ? readInt64(frame, 16) : 0;
      if (frame === undefined || number < next || (next > 0 && generation !== content.generation)) {
        at += SECTOR_BYTES;
        continue;
      }
      content.generation = generation;
      next = number + 1;
      noteEntries(frame, start + at, index, content.entries);
      at += Math.ceil(frame.length / SECTOR_BYTES) * SECTOR_BYTES;
    }
    if (last || at === 0) return content;
    start += at;
  }
  return content;
}

/** The frame at `at`, without the zeros behind it; undefined when there is no whole one. */
function frameAt(bytes: Buffer, at: number): Buffer | undefined {
  if (bytes.readUInt32BE(at) !== MAGIC) return undefined;
  const length = bytes.readUInt32BE(at + 8);
  if (length < HEADER_BYTES || length > FRAME_BYTES_MAX || at + length > bytes.length) return undefined;
  const frame = bytes.subarray(at, at + length);
  return frame.readUInt32BE(4) === crc32c(frame.subarray(8)) ? frame : undefined;
}

function noteEntries(frame: Buffer, position: number, file: number, entries: JournalEntry[]): void {
  let at = HEADER_BYTES;
  for (let left = frame.readUInt32BE(12); left > 0; left--) {
    const keyBytes = frame.readUInt16BE(at);
    const bytes = frame.readUInt32BE(at + 4);
    const baseOffset = readInt64(frame, at + 8);
    const key = frame.toString("utf8", at + ENTRY_HEADER_BYTES, at + ENTRY_HEADER_BYTES + keyBytes);
    at += ENTRY_HEADER_BYTES + keyBytes;
    entries.push({ key, file, position: position + at, bytes, baseOffset });
    at += bytes;
  }
}
