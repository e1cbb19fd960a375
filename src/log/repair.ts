/**
 * Lets a damaged shard take writes again: an operator gives up the damaged ranges. Nothing is cut, moved or written
 * over: each range's bytes are copied into a .bad file for people to look at, and the range is noted in `gaps` as set
 * aside (gaps.ts). From then on reads go on behind it, and consumers see that its offsets are missing.
 */
import { basename } from "node:path";
import type { FileSystem } from "../base/file-system.ts";
import type { DamagedRange } from "./damage.ts";
import { Gaps } from "./gaps.ts";
import { baseOffsetInName, segmentPaths } from "./layout.ts";
import { SectorReader } from "./sector-reader.ts";

export interface RepairedRange {
  range: DamagedRange;
  /** Where its bytes were copied to; undefined where there were none. */
  copy: string | undefined;
}

const PIECE_BYTES = 1 << 20;

/**
 * Sets aside the ranges of `damage` that lie in the shard's `folder`, which no process may have open. Resolves to those
 * that it could, durably; the others name no log file or have no end. May be run again. Throws the system's error.
 */
export async function setDamageAside(
  fileSystem: FileSystem,
  folder: string,
  damage: readonly DamagedRange[],
): Promise<RepairedRange[]> {
  const gaps = Gaps.open(fileSystem, folder);
  const repaired: RepairedRange[] = [];
  for (const range of damage) {
    const segmentBase = baseOffsetInName(basename(range.path), ".log");
    const { position, bytes, offset: from, endOffset: to } = range;
    if (segmentBase === undefined || to === undefined) continue;
    const copy = bytes === 0 ? undefined : segmentPaths(folder, segmentBase).bad(position);
    if (copy !== undefined) await copyBytes(fileSystem, range, copy);
    await gaps.noteDurably({ segmentBase, position, end: position + bytes, from, to, setAside: true });
    repaired.push({ range, copy });
  }
  return repaired;
}

/** Copies the range into a file of its own, in place of an older copy; what the device can't give becomes zeros. */
async function copyBytes(fileSystem: FileSystem, range: DamagedRange, path: string): Promise<void> {
  if (fileSystem.exists(path)) fileSystem.remove(path);
  const from = fileSystem.open(range.path, "read");
  const to = fileSystem.open(path, "create");
  try {
    const sectors = new SectorReader(from);
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, range.bytes));
    for (let at = 0; at < range.bytes; at += piece.length) {
      const bytes = piece.subarray(0, Math.min(piece.length, range.bytes - at));
      const read = sectors.read(bytes, range.position + at);
      const written = to.write(bytes.subarray(0, read), at);
      if (written < read) throw Object.assign(new Error("ENOSPC: copying damaged bytes"), { code: "ENOSPC" });
    }
    await to.sync();
  } finally {
    from.close();
    to.close();
  }
}
