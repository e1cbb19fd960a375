/**
 * The first offset that a shard's log may be read from, once a trim has set it: a small file of its own, synced before
 * the trim is answered. Without it the log starts where its oldest segment does.
 */
import type { FileSystem } from "../base/file-system.ts";
import { START_NAME } from "./layout.ts";
import { SlotFile } from "../base/slot-file.ts";
import type { WarmFiles } from "../base/warm-files.ts";

export class LogStart {
  private constructor(
    private readonly slots: SlotFile,
    private readonly fileSystem: FileSystem,
    private readonly folder: string,
    /** Nothing before it can be read. */
    public offset: number,
  ) {}

  /** Reads the start of the log in `folder`. Throws the system's error. */
  static open(fileSystem: FileSystem, folder: string, warm: WarmFiles): LogStart {
    const slots = SlotFile.open(fileSystem, `${folder}/${START_NAME}`, warm);
    return new LogStart(slots, fileSystem, folder, slots.values?.[0] ?? 0);
  }

  /** Moves the start up to `offset`, at once for readers; resolves when it is durable. Throws the system's error. */
  async moveTo(offset: number): Promise<void> {
    if (offset <= this.offset) return;
    this.slots.write([offset]);
    this.offset = offset;
    try {
      await this.slots.sync();
      await this.fileSystem.syncFolder(this.folder);
    } finally {
      this.slots.close();
    }
  }
}
