/**
 * Reads a file around its bad sectors: what the device can't give reads as zeros, which no checksum takes for good.
 * So one bad sector costs the batches that lie on it, not the whole file.
 */
import type { OpenFile } from "../base/file-system.ts";

const SECTOR_BYTES = 4096;

export class SectorReader {
  /** Whether the device failed to give something. */
  unreadable = false;

  constructor(private readonly file: OpenFile) {}

  /** Fills `into` from `position`; returns the bytes read, short at the end of the file. */
  read(into: Buffer, position: number): number {
    try {
      return this.file.read(into, position);
    } catch (error) {
      if ((error as { code?: string }).code !== "EIO") throw error;
    }
    this.unreadable = true;
    const bytes = Math.max(0, Math.min(into.length, this.file.size() - position));
    for (let at = 0; at < bytes;) {
      const piece = into.subarray(at, Math.min(at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES), bytes));
      try {
        this.file.read(piece, position + at);
      } catch {
        piece.fill(0);
      }
      at += piece.length;
    }
    return bytes;
  }
}
