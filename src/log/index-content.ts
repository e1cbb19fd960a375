/**
 * What an index file holds, for those who only look: the whole file is read, nothing is mapped and nothing believed.
 * index-file.ts says how the file is made.
 */
import type { FileSystem } from "../base/file-system.ts";
import { readInt64 } from "../base/bytes.ts";
import { countSealed, fitsIndex } from "./index-file.ts";

export const OFFSET_ENTRY_BYTES = 8;
export const TIME_ENTRY_BYTES = 12;
/** A segment of 2 GiB has 6 MiB of entries; a larger file is no index of ours. */
const INDEX_BYTES_MAX = 64 << 20;

export interface IndexContent {
  /** Whether the end mark fits the entries and the segment; a segment that is still written to has none. */
  sealed: boolean;
  count: number;
  entries: Buffer;
}

/** Reads the index of the segment at `baseOffset`; undefined when there is none, or what is there can't be one. */
export function readIndex(
  fileSystem: FileSystem,
  path: string,
  entryBytes: number,
  baseOffset: number,
): IndexContent | undefined {
  if (!fileSystem.exists(path) || fileSystem.size(path) > INDEX_BYTES_MAX) return undefined;
  const file = fileSystem.open(path, "read");
  let content: Buffer;
  try {
    content = Buffer.alloc(file.size());
    content = content.subarray(0, file.read(content, 0));
  } finally {
    file.close();
  }
  const sealed = fitsIndex(content.length, entryBytes) ? countSealed(content, entryBytes, baseOffset) : -1;
  if (sealed >= 0) return { sealed: true, count: sealed, entries: content };
  // Behind the entries of an index that grows lie zeros, and no entry is all zeros but what nobody wrote.
  let count = Math.floor(content.length / entryBytes);
  while (count > 0 && content.subarray((count - 1) * entryBytes, count * entryBytes).every((b) => b === 0))
    count--;
  return { sealed: false, count, entries: content };
}

/** Entry `i` of an offset index: the batch at `position` has base offset `offset`. */
export function offsetEntry({ entries }: IndexContent, i: number, baseOffset: number) {
  const at = i * OFFSET_ENTRY_BYTES;
  return { offset: baseOffset + entries.readUInt32BE(at), position: entries.readUInt32BE(at + 4) };
}

/** Entry `i` of a time index: no record before `beforeOffset` is newer than `timestampMs`. */
export function timeEntry({ entries }: IndexContent, i: number, baseOffset: number) {
  const at = i * TIME_ENTRY_BYTES;
  return { timestampMs: readInt64(entries, at), beforeOffset: baseOffset + entries.readUInt32BE(at + 8) };
}
