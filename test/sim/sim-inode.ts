/**
 * One file of the simulated disk: what the page cache holds, and what would be left after a power cut.
 *
 *   cache     what every read sees; a kill -9 leaves it alone
 *   durable   what the last sync put on the device
 *   changes   writes and cuts since then, in order; each sector of the device may have seen any number of them
 *
 * A sector (512 bytes) is written whole or not at all. Sectors and the file's size reach the device on their own, in
 * any order: the page cache writes back a page as it is at some moment, so a sector holds the changes up to some
 * moment, another sector those up to another. A mapped file has no list of stores: its whole content counts as one
 * last change.
 */
import type { SimRandom } from "./sim-random.ts";

export const SECTOR_BYTES = 512;
/** Room behind a mapped file, so that growing it does not move the bytes that the map shows. */
const MAP_ROOM_BYTES = 16 << 10;

/** `bytes` written at `position`, or the file made `position` bytes long; `sizeBefore` and `size` are the file's. */
interface Change {
  position: number;
  bytes: Buffer | undefined;
  sizeBefore: number;
  size: number;
}

export type CrashMode = "all" | "none" | "moment" | "mixed";

export class SimInode {
  size = 0;
  private cache = Buffer.alloc(256);
  private durable: Buffer = Buffer.alloc(0);
  private changes: Change[] = [];
  /** Changes that are no longer in the list, because a sync has dealt with them. */
  private dealtWith = 0;
  private mapped = false;

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.size - position));
    into.set(this.cache.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    const sizeBefore = this.size;
    this.growTo(position + bytes.length);
    this.cache.set(bytes, position);
    this.changes.push({ position, bytes: Buffer.from(bytes), sizeBefore, size: this.size });
  }

  resize(bytes: number): void {
    const sizeBefore = this.size;
    if (bytes < this.size) this.cache.fill(0, bytes, this.size);
    else this.growTo(bytes);
    this.size = bytes;
    this.changes.push({ position: bytes, bytes: undefined, sizeBefore, size: bytes });
  }

  map(): Buffer {
    if (!this.mapped) this.moveCache(this.size + MAP_ROOM_BYTES);
    this.mapped = true;
    return this.cache.subarray(0, this.size);
  }

  /** The process that mapped the file is gone; its stores stay in the page cache. */
  unmap(): void {
    if (this.mapped) this.noteStores();
    this.mapped = false;
  }

  content(): Buffer {
    return Buffer.from(this.cache.subarray(0, this.size));
  }

  holdsDurably(bytes: Buffer, position: number): boolean {
    return this.durable.subarray(position, position + bytes.length).equals(bytes);
  }

  durablyIncludes(bytes: Buffer): boolean {
    return this.durable.includes(bytes);
  }

  /** A sync begins: it covers the changes up to the moment that this returns. */
  beginSync(): number {
    if (this.mapped) this.noteStores();
    return this.dealtWith + this.changes.length;
  }

  /** The sync that began at `moment` has succeeded. */
  endSync(moment: number): void {
    const covered = this.take(moment);
    const size = this.changes[0]?.sizeBefore ?? this.size;
    if (size === this.durable.length && covered.every(({ bytes }) => bytes !== undefined)) {
      for (const { bytes, position } of covered) this.durable.set(bytes as Buffer, position);
    } else {
      this.durable = applied(this.durable, covered, size);
    }
  }

  /**
   * The sync that began at `moment` has failed: its changes reached the device partly, and count as clean all the
   * same. With `reverted` the cache forgets them too (as Btrfs does); without, reads still show them (ext4, XFS).
   */
  failSync(moment: number, random: SimRandom, reverted: boolean): void {
    this.durable = crashed(this.durable, this.take(moment), "mixed", random);
    if (reverted) this.dropCache();
  }

  /** Reads the clean part from the device again; what is not written back yet stays. */
  dropCache(): void {
    if (this.mapped) return;
    const content = applied(this.durable, this.changes, this.size);
    this.cache.fill(0);
    this.cache.set(content);
  }

  /** What the device might hold if the power went now. */
  leftByPowerCut(random: SimRandom, mode: CrashMode): Buffer {
    return crashed(this.durable, this.changes, mode, random);
  }

  /** The power goes: whatever is on the device now is the file. */
  powerCut(random: SimRandom, mode: CrashMode): void {
    this.unmap();
    this.durable = this.leftByPowerCut(random, mode);
    this.take(Infinity);
    this.size = this.durable.length;
    this.cache = Buffer.alloc(this.size + 256);
    this.cache.set(this.durable);
  }

  private take(moment: number): Change[] {
    const covered = this.changes.splice(0, Math.max(0, moment - this.dealtWith));
    this.dealtWith += covered.length;
    return covered;
  }

  private noteStores(): void {
    const { size } = this;
    this.changes.push({ position: 0, bytes: this.content(), sizeBefore: size, size });
  }

  private growTo(bytes: number): void {
    if (bytes > this.cache.length) {
      if (this.mapped)
        throw new Error(`a mapped file of the simulator grows by ${MAP_ROOM_BYTES} bytes at most`);
      this.moveCache(bytes * 2);
    }
    if (bytes > this.size) {
      this.cache.fill(0, this.size, bytes);
      this.size = bytes;
    }
  }

  private moveCache(bytes: number): void {
    const moved = Buffer.alloc(bytes);
    moved.set(this.cache.subarray(0, this.size));
    this.cache = moved;
  }
}

/** `durable` with all of `changes`, at `size` bytes. */
function applied(durable: Buffer, changes: readonly Change[], size: number): Buffer {
  let bytes = Math.max(durable.length, size);
  for (const change of changes) bytes = Math.max(bytes, change.size);
  const out = Buffer.alloc(bytes);
  out.set(durable);
  for (const { position, bytes } of changes) {
    if (bytes) out.set(bytes, position);
    else out.fill(0, position);
  }
  return out.subarray(0, size);
}

/** What is left of `changes` over `durable` when the power goes. */
function crashed(durable: Buffer, changes: readonly Change[], mode: CrashMode, random: SimRandom): Buffer {
  const count = changes.length;
  if (count === 0 || mode === "none") return durable;
  const kept = mode === "all" ? count : random.below(count + 1);
  const size = kept === 0 ? durable.length : (changes[kept - 1] as Change).size;
  if (mode !== "mixed") return applied(durable, changes.slice(0, kept), size);
  return torn(durable, changes, size, random);
}

/** `size` bytes of which each sector has seen the changes up to a moment of its own. */
function torn(durable: Buffer, changes: readonly Change[], size: number, random: SimRandom): Buffer {
  const out = Buffer.alloc(size);
  const garbage = random.oneIn(3);
  const bias = random.pick([0, 1, 2]);
  for (let at = 0; at < size; at += SECTOR_BYTES) {
    const end = Math.min(size, at + SECTOR_BYTES);
    out.set(durable.subarray(at, end), at);
    const kept =
      bias === 0 ? random.below(changes.length + 1) : random.below(bias + 1) === 0 ? 0 : changes.length;
    let written = at < durable.length;
    for (const { position, bytes } of changes.slice(0, kept)) {
      if (bytes === undefined) {
        if (position < end) out.fill(0, Math.max(position, at), end);
        continue;
      }
      const from = Math.max(position, at);
      const to = Math.min(position + bytes.length, end);
      if (from >= to) continue;
      out.set(bytes.subarray(from - position, to - position), from);
      written = true;
    }
    if (!written && garbage) oldBytes(out, at, end, random);
  }
  return out;
}

/** The size reached the device, the data did not: what lay in those blocks before, perhaps an older part of the file. */
function oldBytes(out: Buffer, start: number, end: number, random: SimRandom): void {
  if (start > 0 && random.oneIn(2)) {
    out.copyWithin(start, 0, Math.min(end - start, start));
    return;
  }
  for (let at = start; at < end; at++) out[at] = random.uint32() & 0xff;
}
