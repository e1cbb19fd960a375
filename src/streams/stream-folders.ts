/**
 * The folders of streams on the disk, <data>/streams/<stream id>/<shard index>: making, opening and removing them.
 * Which of them should exist is the catalog's to say.
 */
import { basename, join } from "node:path";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import type { LogFactory, OpenLog } from "../log/log-factory.ts";
import type { ShardRow, StreamRow } from "./catalog.ts";
import { DamagedLog } from "./damaged-log.ts";

export interface StreamFoldersOptions {
  fileSystem: FileSystem;
  openLog: LogFactory;
  logger: Logger;
  /** Logs that are opened side by side: after a crash they share syncs, and each has a file open meanwhile. */
  openingMax?: number;
}

const OPENING_MAX = 64;

export class StreamFolders {
  constructor(
    private readonly root: string,
    private readonly options: StreamFoldersOptions,
  ) {}

  /** Names of the stream folders that exist, whoever made them. */
  list(): string[] {
    const { fileSystem } = this.options;
    if (!fileSystem.exists(this.root)) return [];
    return fileSystem.list(this.root).map((entry) => entry.name);
  }

  /** Makes the folder of all streams. The caller syncs its parent, also when it was there: its maker may have died. */
  prepare(): void {
    const { fileSystem } = this.options;
    if (!fileSystem.exists(this.root)) fileSystem.makeFolder(this.root);
  }

  /** Warns of entries that belong to no stream; they stay as they are. */
  async reportStrangers(rows: readonly StreamRow[]): Promise<void> {
    const known = new Set(rows.map((row) => row.id));
    for (const name of this.list()) {
      if (known.has(name)) continue;
      this.options.logger.warn("the catalog knows no stream of this folder: left as it is", {
        folder: join(this.root, name),
      });
    }
  }

  /** Makes and opens the logs of a new stream, all or none. */
  async create(row: StreamRow): Promise<OpenLog[]> {
    return this.openEach(row.shards, (shard) =>
      this.options.openLog(this.shardFolder(row, shard.index), row),
    );
  }

  /**
   * Makes and opens the logs of shards that a stream is to get, all or none. What an attempt left that did not end
   * is used again; it was never written to. Throws VoikError storage_damaged when records are in the way.
   */
  async createShards(row: StreamRow, shards: readonly ShardRow[]): Promise<OpenLog[]> {
    const logs = await this.openEach(shards, (shard) => this.openNew(row, shard.index));
    try {
      await this.options.fileSystem.syncFolder(join(this.root, row.id));
      return logs;
    } catch (error) {
      await Promise.allSettled(logs.map((log) => log.close()));
      throw error;
    }
  }

  /** Opens the logs of existing streams, in their order; a damaged or missing one becomes a DamagedLog. */
  async openAll(rows: readonly StreamRow[]): Promise<OpenLog[][]> {
    const wanted = rows.flatMap((row) => row.shards.map((shard) => ({ row, index: shard.index })));
    const logs = await this.openEach(wanted, ({ row, index }) => this.openExisting(row, index));
    let at = 0;
    return rows.map((row) => logs.slice(at, (at += row.shards.length)));
  }

  /** Removes a stream's folder with everything in it, durably. None is no error. */
  async remove(id: string): Promise<void> {
    const { fileSystem } = this.options;
    const folder = join(this.root, id);
    if (!fileSystem.exists(folder)) return;
    fileSystem.removeFolder(folder);
    await fileSystem.syncFolder(this.root);
  }

  /** Removes a shard's folder, durably. None is no error. */
  async removeShard(id: string, index: number): Promise<void> {
    const { fileSystem } = this.options;
    const folder = join(this.root, id, String(index));
    if (!fileSystem.exists(folder)) return;
    fileSystem.removeFolder(folder);
    await fileSystem.syncFolder(join(this.root, id));
  }

  /** Removes the folders of shards that the catalog forgot because retention had taken them. */
  async removeForgotten(row: StreamRow): Promise<void> {
    const { fileSystem } = this.options;
    const folder = join(this.root, row.id);
    if (!fileSystem.exists(folder)) return;
    const known = new Set(row.shards.map((shard) => String(shard.index)));
    const last = row.shards.at(-1)?.index ?? 0;
    for (const { name } of fileSystem.list(folder)) {
      // Numbers past the last one may be what a restored, older catalog does not know yet: never ours to remove.
      if (known.has(name) || !/^\d{1,10}$/.test(name) || Number(name) > last) continue;
      await this.removeShard(row.id, Number(name));
    }
  }

  private async openNew(row: StreamRow, index: number): Promise<OpenLog> {
    const folder = this.shardFolder(row, index);
    const log = await this.options.openLog(folder, row);
    if (log.endOffset === 0) return log;
    await log.close();
    throw new VoikError(
      "storage_damaged",
      `${folder} holds records of a shard that the catalog does not know: put a newer voik.db back, or move it away`,
    );
  }

  private async openExisting(row: StreamRow, index: number): Promise<OpenLog> {
    const folder = this.shardFolder(row, index);
    try {
      // The factory would make a missing folder, and an empty log would pass for the lost one.
      if (!this.options.fileSystem.exists(folder)) {
        throw new VoikError(
          "storage_damaged",
          `the folder of shard ${index} of stream ${row.name} is missing`,
        );
      }
      return await this.options.openLog(folder, row);
    } catch (error) {
      if (!(error instanceof VoikError) || error.code !== "storage_damaged") throw error;
      this.options.logger.error("a shard can't be opened", {
        stream: row.name,
        shard: index,
        folder,
        error: error.message,
      });
      return new DamagedLog(`${error.message}: put ${basename(folder)} of ${row.id} back from a backup`);
    }
  }

  private shardFolder(row: StreamRow, index: number): string {
    return join(this.root, row.id, String(index));
  }

  /** Opens a log for each item, some at a time; when one fails, closes the others and throws its error. */
  private async openEach<T>(items: readonly T[], open: (item: T) => Promise<OpenLog>): Promise<OpenLog[]> {
    const { openingMax = OPENING_MAX } = this.options;
    const logs = new Array<OpenLog>(items.length);
    let next = 0;
    const worker = async () => {
      while (next < items.length) {
        const i = next++;
        try {
          logs[i] = await open(items[i] as T);
        } catch (error) {
          next = items.length;
          throw error;
        }
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: openingMax }, worker));
    const failed = workers.find((result) => result.status === "rejected");
    if (failed === undefined) return logs;
    await Promise.allSettled(Object.values(logs).map((log) => log.close()));
    throw failed.reason;
  }
}
