/**
 * Where the records of many busy logs become durable by one write and one sync: a round's new batches of all of them go
 * to the journal, one behind the other, and are acknowledged once that is synced. They lie in their logs' files as well,
 * and those are synced by and by; the journal is read only after a crash, for what they lost.
 *
 *   <data>/journal/0   | round | round | round | …      filled, then the other one
 *   <data>/journal/1   | round | round |                filled again only when all logs have synced what it holds
 *
 * Both files are written with zeros before they are used: overwriting moves neither blocks nor sizes, so a sync of
 * the journal waits for the device alone, and not for the file system to commit what other files changed.
 */
import type { Clock } from "../base/clock.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { FRAME_BYTES_MAX, type JournalEntry, type JournalRound, readJournalFile } from "./journal-frame.ts";

/** Size of each of the two files. */
const FILE_BYTES = 64 << 20;
const ZEROS_BYTES = 1 << 20;

/** A log that puts its batches into the journal. */
export interface Journaled {
  /** The offset up to which its own files are on the disk. */
  readonly syncedEnd: number;
}

export interface JournalOptions {
  fileSystem: FileSystem;
  clock: Pick<Clock, "defer">;
  /** Folder that the folders of all logs lie in; the journal gets one of its own there. */
  root: string;
  /** Size of each of its two files; 64 MiB when left out. */
  fileBytes?: number;
  /** Told why it can't be used, once. Logs are synced without it then. */
  onUnusable?(reason: string): void;
}

export class Journal {
  private state: "idle" | "preparing" | "ready" | "unusable" = "idle";
  private readonly files: OpenFile[] = [];
  /** What each file holds of which log, up to which offset. */
  private readonly held: Map<Journaled, number>[] = [new Map(), new Map()];
  /** What logs may have lost, by key; a log's entry is gone once it has everything. */
  private readonly unsettled = new Map<string, JournalEntry[]>();
  private readonly fileBytes: number;
  /** Serves every round: one is put at a time. */
  private frame = Buffer.alloc(0);
  private syncing = false;
  private active = 0;
  private generation = 0;
  private number = 0;
  private position = 0;

  private constructor(private readonly options: JournalOptions) {
    this.fileBytes = options.fileBytes ?? FILE_BYTES;
  }

  /** Reads what the last process left. Throws the system's error. */
  static open(options: JournalOptions): Journal {
    const journal = new Journal(options);
    const contents = [0, 1].map((index) => journal.readFile(index));
    const [a = 0, b = 0] = contents.map(({ generation }) => generation);
    journal.generation = Math.max(a, b) + 1;
    journal.active = a <= b ? 0 : 1;
    for (const { entries } of contents.sort((one, other) => one.generation - other.generation)) {
      for (const entry of entries) {
        const ofLog = journal.unsettled.get(entry.key);
        if (ofLog) ofLog.push(entry);
        else journal.unsettled.set(entry.key, [entry]);
      }
    }
    return journal;
  }

  /** The name by which the journal knows the log in `folder`. */
  keyOf(folder: string): string {
    return folder.slice(this.options.root.length + 1);
  }

  /** What was acknowledged of a log by the journal, in order; its own files may hold it too. */
  entriesOf(key: string): readonly JournalEntry[] {
    return this.unsettled.get(key) ?? [];
  }

  /** Reads the batches of `entry`. Throws the system's error. */
  read({ file, position, bytes }: JournalEntry): Buffer {
    const batches = Buffer.allocUnsafeSlow(bytes);
    const open = this.options.fileSystem.open(this.pathOf(file), "read");
    try {
      if (open.read(batches, position) !== bytes)
        throw Object.assign(new Error("EIO: short read"), { code: "EIO" });
    } finally {
      open.close();
    }
    return batches;
  }

  /** The log has everything that was in the journal, on the disk. */
  settle(key: string): void {
    this.unsettled.delete(key);
  }

  /**
   * All logs that there are have been opened: what is left belongs to deleted ones, or to logs that could not take it.
   * While there are any of the latter the journal is kept as it is.
   */
  settleDeleted(): void {
    const { fileSystem, root, onUnusable } = this.options;
    for (const key of this.unsettled.keys())
      if (!fileSystem.exists(`${root}/${key}`)) this.unsettled.delete(key);
    if (this.unsettled.size === 0 || this.state === "unusable") return;
    this.state = "unusable";
    onUnusable?.(`it holds records that ${[...this.unsettled.keys()].join(", ")} could not take`);
  }

  /**
   * Whether rounds may be put into it. The first asking starts what it takes; until that is done, and for ever if it
   * can't be, the answer is false.
   */
  prepare(): boolean {
    if (this.state === "idle" && this.unsettled.size === 0) void this.makeFiles();
    return this.state === "ready";
  }

  /** Whether a round of `frameBytes` has room. It may begin the other file for that, if the logs have synced what it held. */
  takes(frameBytes: number): boolean {
    if (frameBytes > Math.min(FRAME_BYTES_MAX, this.fileBytes)) return false;
    if (this.position + frameBytes <= this.fileBytes) return true;
    const other = this.held[1 - this.active] as Map<Journaled, number>;
    for (const [log, end] of other) if (log.syncedEnd < end) return false;
    other.clear();
    this.active = 1 - this.active;
    this.generation++;
    this.number = this.position = 0;
    return true;
  }

  /** Logs that have to sync their own files before the file that is not being filled can be filled again. */
  get behind(): number {
    let count = 0;
    for (const [log, end] of this.held[1 - this.active] as Map<Journaled, number>)
      if (log.syncedEnd < end) count++;
    return count;
  }

  /**
   * Writes `round`, which it takes. Throws when the logs can't be read as they were written, or when the journal can't be
   * written; then it is given up. Either way nothing was acknowledged.
   */
  put(round: JournalRound): void {
    const bytes = this.frame.subarray(0, round.frameBytes);
    round.writeTo(bytes, this.generation, this.number);
    try {
      if ((this.files[this.active] as OpenFile).write(bytes, this.position) !== bytes.length)
        throw new Error("short write");
    } catch (error) {
      this.giveUp(error);
      throw error;
    }
    this.number++;
    this.position += bytes.length;
  }

  /** `log` has batches before `end` in the round that was put last. */
  hold(log: Journaled, end: number): void {
    (this.held[this.active] as Map<Journaled, number>).set(log, end);
  }

  /** What was put is on the disk when this resolves. A rejection means that it may be gone for good. One at a time. */
  async sync(): Promise<void> {
    this.syncing = true;
    try {
      await (this.files[this.active] as OpenFile).sync();
    } finally {
      this.syncing = false;
      if (this.state === "unusable") this.letGo();
    }
  }

  /** Lets go of its files, as soon as no sync is under way. */
  close(): void {
    this.state = "unusable";
    if (!this.syncing) this.letGo();
  }

  private letGo(): void {
    for (const file of this.files.splice(0)) {
      try {
        file.close();
      } catch {
        // What was synced is on the disk, and the rest was not acknowledged.
      }
    }
  }

  private pathOf(index: number): string {
    return `${this.options.root}/journal/${index}`;
  }

  private readFile(index: number) {
    const { fileSystem } = this.options;
    const path = this.pathOf(index);
    if (!fileSystem.exists(path)) return { generation: 0, entries: [] };
    const file = fileSystem.open(path, "read");
    try {
      return readJournalFile(file, index);
    } finally {
      file.close();
    }
  }

  private async makeFiles(): Promise<void> {
    const { fileSystem, root } = this.options;
    this.state = "preparing";
    this.frame = Buffer.allocUnsafeSlow(FRAME_BYTES_MAX);
    try {
      fileSystem.makeFolder(`${root}/journal`);
      await fileSystem.syncFolder(root);
      for (const index of [0, 1]) {
        if (this.state !== "preparing") return;
        const path = this.pathOf(index);
        const file = fileSystem.open(path, fileSystem.exists(path) ? "write" : "create");
        this.files.push(file);
        await this.fillWithZeros(file);
      }
      await fileSystem.syncFolder(`${root}/journal`);
      if (this.state === "preparing") this.state = "ready";
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** From its end on: what an earlier process wrote stays, and is known for old by its generation. */
  private async fillWithZeros(file: OpenFile): Promise<void> {
    const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, this.fileBytes));
    for (let at = file.size(); at < this.fileBytes;) {
      if (this.state !== "preparing") return;
      const bytes = zeros.subarray(0, Math.min(zeros.length, this.fileBytes - at));
      const written = file.write(bytes, at);
      if (written === 0)
        throw Object.assign(new Error("ENOSPC: no room for the journal"), { code: "ENOSPC" });
      at += written;
      await new Promise<void>((resolve) => this.options.clock.defer(resolve));
    }
    await file.sync();
  }

  private giveUp(error: unknown): void {
    if (this.state === "unusable") return;
    this.close();
    this.options.onUnusable?.(error instanceof Error ? error.message : String(error));
  }
}
