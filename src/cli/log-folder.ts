/**
 * The data folder as the `voik log` commands see it: no server, the folder locked against one (or, read-only, beside
 * one), streams by their names. It is the composition root of these tools.
 *
 *   <data>/voik.db, streams/<stream id>/<shard>/…     a server's
 *   <data>/log/…                                      an embedded log's: stream "log", shard 0
 */
import { dirname, join, resolve } from "node:path";
import type { ArgsDef } from "citty";
import { lockDataFolder, type LockHints } from "../base/data-folder.ts";
import { disk } from "../base/disk.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, FolderLock } from "../base/file-system.ts";
import { configArgs } from "../config/args.ts";
import { type Flags, loadOption } from "../config/load.ts";
import { OPTIONS } from "../config/schema.ts";
import type { Note } from "../log/damage.ts";
import { readCatalog } from "../streams/catalog-reader.ts";
import { countOf } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";

export interface ShardFolder {
  /** The stream's name; its id where the catalog does not know it. */
  stream: string;
  shard: number;
  folder: string;
}

/** The disk that these commands work on. */
export const fileSystem: FileSystem = disk;

/** The option of commands that can also look at the folder of a running voik. */
export const readOnlyArg = {
  "read-only": { type: "boolean", description: "Look at a folder that a running voik may be writing to" },
} as const;

const READ_ONLY_HINTS: LockHints = {
  inUse: "give --read-only where a command has it",
  broken: "--read-only needs no lock",
};

/** The arguments of commands that work on a whole folder. */
export const folderArgs = {
  stream: { type: "positional", required: false, description: "Only this stream" },
  shard: { type: "string", valueHint: "n", description: "Only this shard of it" },
  json: { type: "boolean", description: "Print JSON" },
  ...configArgs(["dataDir"]),
} as const satisfies ArgsDef;

export class LogFolder {
  /** What is wrong with the folder around the logs. */
  readonly damage: Note[] = [];
  readonly notes: Note[] = [];

  private constructor(
    readonly path: string,
    private readonly lock: FolderLock | undefined,
  ) {}

  /** Opens the folder of --data-dir. Throws CliError, or VoikError folder_in_use. */
  static ofArgs(args: Record<string, unknown>): LogFolder {
    return LogFolder.open(
      loadOption(OPTIONS.dataDir, args as Flags, process.env),
      args["read-only"] === true,
    );
  }

  static open(path: string, readOnly: boolean): LogFolder {
    const parts = ["voik.db", "streams", "log"].filter((name) => disk.exists(join(path, name)));
    if (parts.length === 0) throw new CliError(EXIT.failed, `${path} is not a data folder: give --data-dir`);
    return new LogFolder(path, readOnly ? undefined : lockDataFolder(path, disk, READ_ONLY_HINTS));
  }

  /** The folder that the file at `path` belongs to; undefined when it lies on its own. */
  static around(path: string, readOnly: boolean): LogFolder | undefined {
    let folder = dirname(resolve(path));
    // <data>/streams/<id>/<shard>/<file> or <data>/log/<file>
    for (let up = 0; up < 4; up++, folder = dirname(folder)) {
      if (disk.exists(join(folder, "voik.lock"))) return LogFolder.open(folder, readOnly);
    }
    return undefined;
  }

  /** The shards that `args` ask for, by stream and number. Throws CliError when there is no such stream or shard. */
  shards(args: { stream?: string | undefined; shard?: string | undefined }): ShardFolder[] {
    const shard = countOf(args.shard, "shard");
    if (shard !== undefined && args.stream === undefined)
      throw new CliError(EXIT.usage, "--shard needs the stream that it is of");
    const all = this.allShards();
    const found = all.filter(
      (at) => (args.stream ?? at.stream) === at.stream && (shard ?? at.shard) === at.shard,
    );
    if (found.length > 0 || args.stream === undefined) return found;
    const numbers = all.filter((at) => at.stream === args.stream).map((at) => at.shard);
    const isKnown = numbers.length > 0;
    const what = isKnown ? `shard ${shard} of stream ${args.stream}` : `stream ${args.stream}`;
    const names = isKnown ? numbers : [...new Set(all.map((at) => at.stream))];
    throw new CliError(
      EXIT.failed,
      `there is no ${what} in ${this.path}: there are ${names.join(", ") || "no streams"}`,
    );
  }

  close(): void {
    this.lock?.release();
  }

  private allShards(): ShardFolder[] {
    const streams = join(this.path, "streams");
    const catalog = join(this.path, "voik.db");
    const embedded = join(this.path, "log");
    if (!disk.exists(catalog) && !disk.exists(streams))
      return [{ stream: "log", shard: 0, folder: embedded }];
    const known = this.cataloged(catalog).flatMap(({ id, name, shards }) =>
      shards.map((shard) => ({ stream: name, shard, folder: join(streams, id, String(shard)) })),
    );
    const there = known.filter(({ stream, shard, folder }) => {
      if (disk.exists(folder)) return true;
      this.damage.push({
        path: folder,
        message: `the folder of shard ${shard} of stream ${stream} is missing`,
      });
      return false;
    });
    return [...there, ...this.strangers(streams, new Set(known.map(({ folder }) => dirname(folder))))];
  }

  private cataloged(path: string): ReturnType<typeof readCatalog> {
    try {
      return readCatalog(path);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      this.damage.push({ path, message: error.message });
      return [];
    }
  }

  /** Shards of stream folders that no stream has, under their ids. */
  private strangers(streams: string, known: ReadonlySet<string>): ShardFolder[] {
    if (!disk.exists(streams)) return [];
    const ids = disk.list(streams).filter(({ name }) => !known.has(join(streams, name)));
    return ids.flatMap(({ name: stream, kind }) => {
      const path = join(streams, stream);
      this.notes.push({ path, message: "the catalog knows no stream of this folder" });
      if (kind !== "folder") return [];
      const shards = disk.list(path).filter((entry) => entry.kind === "folder" && /^\d+$/.test(entry.name));
      return shards.map(({ name }) => ({ stream, shard: Number(name), folder: join(path, name) }));
    });
  }
}
