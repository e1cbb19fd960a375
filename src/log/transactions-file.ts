/**
 * What a segment's .transactions file holds. The file is there if, and only if, the segment has batches of transactions
 * or began while some were open; it is durable before the first of these batches can be read.
 *
 *   | open when the segment began | open when it was sealed, and aborted in it |
 *     written when the file is made  written at the seal: a hint, found again in the segment's headers
 *
 *   open    "voik" | crc32c of the rest | count u32 | count × (producer id i64 | first offset i64 | epoch i32)
 *           a count of 2^32 - 1: not known, the segments before it tell
 *   sealed  "voik" | crc32c of the rest | end offset i64 | open count u32 | aborted count u32 | open… | aborted…
 *           aborted: producer id i64 | first offset i64 | offset of the marker i64 | stable end behind it i64
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import type { OpenTransaction } from "./shard-log.ts";
import type { AbortedEntry } from "./shard-transactions.ts";

const MAGIC = 0x766f696b;
const PREFIX_BYTES = 8;
const OPEN_BYTES = 20;
const ABORTED_BYTES = 32;
const UNKNOWN = 2 ** 32 - 1;
const SEALED_HEADER_BYTES = PREFIX_BYTES + 16;

/** What was true at the end of a segment. */
export interface SealedTransactions {
  endOffset: number;
  open: OpenTransaction[];
  aborted: AbortedEntry[];
}

export interface SegmentTransactions {
  /** Undefined when it is not known, or damaged. */
  open: OpenTransaction[] | undefined;
  sealed: SealedTransactions | undefined;
}

/** Makes the file, with its first part. Throws the system's error, ENOSPC too when not all of it could be written. */
export function makeTransactionsFile(
  fileSystem: FileSystem,
  path: string,
  open: Iterable<OpenTransaction> | undefined,
): void {
  const content = openPart(open);
  if (fileSystem.exists(path)) fileSystem.remove(path);
  const file = fileSystem.open(path, "create");
  try {
    if (file.write(content, 0) !== content.length)
      throw Object.assign(new Error("only a part was written"), { code: "ENOSPC" });
  } finally {
    file.close();
  }
}

/** Syncs the file, if it is there. Rejects with the system's error. */
export async function syncTransactionsFile(fileSystem: FileSystem, path: string): Promise<void> {
  if (!fileSystem.exists(path)) return;
  const file = fileSystem.open(path, "write");
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

function openPart(open: Iterable<OpenTransaction> | undefined): Buffer {
  const list = [...(open ?? [])];
  const bytes = Buffer.alloc(PREFIX_BYTES + 4 + list.length * OPEN_BYTES);
  bytes.writeUInt32BE(open ? list.length : UNKNOWN, PREFIX_BYTES);
  writeOpen(bytes, list, PREFIX_BYTES + 4);
  return finish(bytes);
}

/** The second part. */
function sealedPart({ endOffset, open, aborted }: SealedTransactions): Buffer {
  const abortedAt = SEALED_HEADER_BYTES + open.length * OPEN_BYTES;
  const bytes = Buffer.alloc(abortedAt + aborted.length * ABORTED_BYTES);
  writeInt64(bytes, endOffset, PREFIX_BYTES);
  bytes.writeUInt32BE(open.length, PREFIX_BYTES + 8);
  bytes.writeUInt32BE(aborted.length, PREFIX_BYTES + 12);
  writeOpen(bytes, open, SEALED_HEADER_BYTES);
  aborted.forEach((entry, i) =>
    entry.forEach((value, j) => writeInt64(bytes, value, abortedAt + i * ABORTED_BYTES + j * 8)),
  );
  return finish(bytes);
}

/** Puts the second part behind the first one, in place of an older one. Throws the system's error. */
export function writeSealedPart(fileSystem: FileSystem, path: string, sealed: SealedTransactions): void {
  const file = fileSystem.open(path, "write");
  try {
    const at = openPartBytes(contentOf(file));
    if (at === undefined) return; // damaged: the seal is found in the segment
    file.truncate(at);
    file.write(sealedPart(sealed), at);
  } finally {
    file.close();
  }
}

/** Cuts the second part off, as the device has it if `fromDevice`. Throws the system's error. */
export function cutSealedPart(fileSystem: FileSystem, path: string, fromDevice = false): void {
  const file = fileSystem.open(path, "write");
  try {
    if (fromDevice) file.dropCache();
    const bytes = contentOf(file);
    const end = openPartBytes(bytes) ?? 0;
    if (end < bytes.length) file.truncate(end);
  } finally {
    file.close();
  }
}

/**
 * Writes the first part over one that did not know. A crash in between leaves one that knows as little. Throws the
 * system's error.
 */
export function writeOpenPart(fileSystem: FileSystem, path: string, open: Iterable<OpenTransaction>): void {
  const file = fileSystem.open(path, "write");
  try {
    const { sealed } = parse(contentOf(file));
    const content = Buffer.concat([openPart(open), sealed ? sealedPart(sealed) : Buffer.alloc(0)]);
    if (file.write(content, 0) !== content.length)
      throw Object.assign(new Error("only a part was written"), { code: "ENOSPC" });
    file.truncate(content.length);
  } finally {
    file.close();
  }
}

/** Reads the file at `path`. Throws the system's error. */
export function readTransactionsFile(fileSystem: FileSystem, path: string): SegmentTransactions {
  const file = fileSystem.open(path, "read");
  try {
    return parse(contentOf(file));
  } finally {
    file.close();
  }
}

function contentOf(file: OpenFile): Buffer {
  const bytes = Buffer.alloc(file.size());
  return bytes.subarray(0, file.read(bytes, 0));
}

/** Length of the first part; undefined when that is damaged. */
function openPartBytes(bytes: Buffer): number | undefined {
  if (bytes.length < PREFIX_BYTES + 4) return undefined;
  const count = bytes.readUInt32BE(PREFIX_BYTES);
  const end = PREFIX_BYTES + 4 + (count === UNKNOWN ? 0 : count * OPEN_BYTES);
  return isWhole(bytes, 0, end) ? end : undefined;
}

function parse(bytes: Buffer): SegmentTransactions {
  const end = openPartBytes(bytes);
  if (end === undefined) return { open: undefined, sealed: undefined };
  const count = bytes.readUInt32BE(PREFIX_BYTES);
  const open = count === UNKNOWN ? undefined : readOpen(bytes, PREFIX_BYTES + 4, count);
  return { open, sealed: parseSealed(bytes.subarray(end)) };
}

function parseSealed(bytes: Buffer): SealedTransactions | undefined {
  if (bytes.length < SEALED_HEADER_BYTES) return undefined;
  const openCount = bytes.readUInt32BE(PREFIX_BYTES + 8);
  const abortedCount = bytes.readUInt32BE(PREFIX_BYTES + 12);
  const abortedAt = SEALED_HEADER_BYTES + openCount * OPEN_BYTES;
  if (!isWhole(bytes, 0, abortedAt + abortedCount * ABORTED_BYTES)) return undefined;
  const aborted: AbortedEntry[] = [];
  for (let i = 0; i < abortedCount; i++) {
    const at = abortedAt + i * ABORTED_BYTES;
    const [producerId = 0, first = 0, marker = 0, stable = 0] = [0, 8, 16, 24].map((offset) =>
      readInt64(bytes, at + offset),
    );
    aborted.push([producerId, first, marker, stable]);
  }
  return {
    endOffset: readInt64(bytes, PREFIX_BYTES),
    open: readOpen(bytes, SEALED_HEADER_BYTES, openCount),
    aborted,
  };
}

function readOpen(bytes: Buffer, at: number, count: number): OpenTransaction[] {
  return Array.from({ length: count }, (_, i) => {
    const from = at + i * OPEN_BYTES;
    return {
      producerId: readInt64(bytes, from),
      firstOffset: readInt64(bytes, from + 8),
      producerEpoch: bytes.readInt32BE(from + 16),
    };
  });
}

function writeOpen(bytes: Buffer, open: readonly OpenTransaction[], at: number): void {
  open.forEach(({ producerId, firstOffset, producerEpoch }, i) => {
    const from = at + i * OPEN_BYTES;
    writeInt64(bytes, producerId, from);
    writeInt64(bytes, firstOffset, from + 8);
    bytes.writeInt32BE(producerEpoch, from + 16);
  });
}

function finish(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(crc32c(bytes.subarray(PREFIX_BYTES)), 4);
  return bytes;
}

function isWhole(bytes: Buffer, start: number, end: number): boolean {
  return (
    end <= bytes.length &&
    bytes.readUInt32BE(start) === MAGIC &&
    bytes.readUInt32BE(start + 4) === crc32c(bytes.subarray(start + PREFIX_BYTES, end))
  );
}
