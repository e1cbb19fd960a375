/**
 * A few numbers in a small file of two slots, written in turn, so that a write that a crash cut short spoils one slot
 * and leaves the numbers of the write before.
 *
 *   byte 0                            512                              1024
 *        | slot 0 | zeros …           | slot 1 | zeros …               |
 *   slot | "voik" | crc32c u32 of the rest | write number i64 | 7 × i64 |      72 bytes, in one sector of the device
 *
 * A write goes to the page cache and is not synced unless asked. So the numbers read after a crash may be older ones:
 * what is kept here has to stay true for ever once it was true.
 */
import { readInt64, writeInt64 } from "./bytes.ts";
import { crc32c } from "./crc32c.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import type { Coolable, WarmFiles } from "./warm-files.ts";

const FILE_BYTES = 1024;
const SLOT_DISTANCE_BYTES = 512;
const SLOT_BYTES = 72;
const MAGIC = 0x766f696b;
/** Numbers that a slot holds, each within ±2^53. */
export const SLOT_VALUES = 7;

/** Serves every write of a thread: writes are synchronous. */
const slot = Buffer.alloc(SLOT_BYTES);

export class SlotFile implements Coolable {
  private file: OpenFile | undefined;
  /** Number of the last write; 0 before the first. */
  private writes = 0;
  /** The numbers that were written last; undefined when there are none that can be read. */
  values: readonly number[] | undefined;

  private constructor(
    private readonly fileSystem: FileSystem,
    readonly path: string,
    private readonly warm: WarmFiles,
  ) {}

  /** Reads the file at `path`, if it is there. Holds nothing open. Throws the system's error. */
  static open(fileSystem: FileSystem, path: string, warm: WarmFiles): SlotFile {
    const slots = new SlotFile(fileSystem, path, warm);
    if (!fileSystem.exists(path)) return slots;
    const file = fileSystem.open(path, "read");
    try {
      const bytes = Buffer.alloc(FILE_BYTES);
      file.read(bytes, 0);
      slots.take(bytes, 0);
      slots.take(bytes, SLOT_DISTANCE_BYTES);
    } finally {
      file.close();
    }
    return slots;
  }

  /** Writes `SLOT_VALUES` numbers in place of the older ones, making the file when it is missing. Throws the system's error. */
  write(values: readonly number[]): void {
    const file = this.opened();
    const write = this.writes + 1;
    slot.writeUInt32BE(MAGIC, 0);
    writeInt64(slot, write, 8);
    for (let i = 0; i < SLOT_VALUES; i++) writeInt64(slot, values[i] ?? 0, 16 + i * 8);
    slot.writeUInt32BE(crc32c(slot.subarray(8)), 4);
    file.write(slot, (write % 2) * SLOT_DISTANCE_BYTES);
    this.writes = write;
    this.values = values;
  }

  /** Makes the file when it is missing, without numbers: for its name to be there when the folder is synced. */
  make(): void {
    this.opened();
  }

  /** Syncs what was written last. */
  sync(): Promise<void> {
    return this.opened().sync();
  }

  /** Lets go of the descriptor; the next write takes one again. */
  cool(): void {
    this.file?.close();
    this.file = undefined;
  }

  close(): void {
    this.warm.forget(this);
    this.cool();
  }

  private opened(): OpenFile {
    if (this.file === undefined) {
      const made = !this.fileSystem.exists(this.path);
      this.file = this.fileSystem.open(this.path, made ? "create" : "write");
      if (made) this.file.write(Buffer.alloc(FILE_BYTES), 0);
    }
    this.warm.touch(this);
    return this.file;
  }

  /** Takes the slot at `at` if it is whole and newer than what is there. */
  private take(bytes: Buffer, at: number): void {
    const read = bytes.subarray(at, at + SLOT_BYTES);
    if (read.readUInt32BE(0) !== MAGIC || read.readUInt32BE(4) !== crc32c(read.subarray(8))) return;
    const write = readInt64(read, 8);
    if (write <= this.writes) return;
    this.writes = write;
    this.values = Array.from({ length: SLOT_VALUES }, (_, i) => readInt64(read, 16 + i * 8));
  }
}
