/**
 * Logs that are broken on purpose, one way each: what the simulator has to find. Most lie between the log and the
 * disk, as a bug in the log would: a sync that does nothing is a log that does not sync.
 */
import type { FileSystem, OpenFile } from "../../src/base/file-system.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { batchBytesOf, computeCrc, magicOf } from "../../src/log/record-batch.ts";
import type { DurableWaiter } from "../../src/log/shard-log.ts";
import type { OpenLogUnderTest } from "./slot-parts.ts";
import type { Harm } from "./simulation.ts";

/** Ways to break the log, by what is broken. */
export const HARMS: Record<string, Harm> = {
  "a sync that does nothing": harmFiles(() => ({ sync: () => Promise.resolve() })),
  "a sync of folders that does nothing": {
    fileSystem: (disk) => replaced(disk, { syncFolder: () => Promise.resolve() }),
  },
  "a sync of the journal that does nothing": harmFiles((file) =>
    file.path.includes("/journal/") ? { sync: () => Promise.resolve() } : {},
  ),
  "a journal that is not read back": { journal: (journal) => replaced(journal, { entriesOf: () => [] }) },
  "a journal that is filled again too early": {
    journal: (journal) => replaced(journal, { hold: () => {} }),
    hurried: true,
  },
  "a failed sync that is tried again": harmFiles((file) => ({
    sync: () => file.sync().catch(() => file.sync()),
  })),
  "a short write that is taken for a whole one": harmFiles((file) => ({
    write: (bytes, position) => {
      file.write(bytes, position);
      return bytes.length;
    },
  })),
  "a torn tail that stays": harmFiles(() => ({ truncate: () => {} })),
  "a recovery that believes the page cache": harmFiles(() => ({ dropCache: () => {} })),
  "a rename that copies": {
    fileSystem: (disk) =>
      replaced(disk, {
        rename(from, to) {
          const bytes = Buffer.alloc(disk.size(from));
          const source = disk.open(from, "read");
          source.read(bytes, 0);
          source.close();
          const target = disk.open(to, "create");
          target.write(bytes, 0);
          target.close();
          disk.remove(from);
        },
      }),
  },
  "an ack before the sync": harmLog((log) => ({
    append(batch: Buffer, waiter?: DurableWaiter) {
      const baseOffset = log.append(batch);
      waiter?.onDurable(log);
      return baseOffset;
    },
  })),
  "a reader that sees what is not synced": harmLog((log) => ({
    get durableEnd() {
      return log.endOffset;
    },
  })),
  "a retention that is too eager": harmLog((log) => ({
    applyRetention: (nowMs: number) => log.applyRetention(nowMs + 3_600_000),
  })),
  "a recovery without checksums": harmRecovery((bytes) => {
    for (let at = 0; at + 61 <= bytes.length;) {
      const end = at + batchBytesOf(bytes, at);
      if (magicOf(bytes, at) !== 2 || end <= at + 61 || end > bytes.length) break;
      bytes.writeUInt32BE(computeCrc(bytes.subarray(at, end)), at + 17);
      at = end;
    }
    return bytes;
  }),
  "a recovery that cuts more than the torn tail": harmRecovery((bytes) =>
    bytes.subarray(0, bytes.length - Math.min(bytes.length, 1)),
  ),
};

/** `target` with some of its members replaced; the others work on the target itself. */
function replaced<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in members) return Reflect.get(members, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function harmFiles(members: (file: OpenFile) => Partial<OpenFile>): Harm {
  return {
    fileSystem: (disk) =>
      replaced(disk, {
        open(path, mode) {
          const file = disk.open(path, mode);
          return replaced(file, members(file));
        },
      }),
  };
}

function harmLog(members: (log: CommitLog) => Partial<CommitLog>): Harm {
  const openLog: OpenLogUnderTest = async (options, groupCommit) => {
    const log = await CommitLog.open(options, groupCommit);
    return replaced(log, members(log));
  };
  return { openLog };
}

/** Before each recovery, the last log file becomes what `change` makes of its bytes. */
function harmRecovery(change: (bytes: Buffer) => Buffer): Harm {
  return {
    openLog(options, groupCommit) {
      const { fileSystem, folder } = options;
      try {
        if (fileSystem.exists(folder)) changeLast(fileSystem, folder, change);
      } catch {
        // A fault of the disk, or the end of the process: this recovery is an honest one.
      }
      return CommitLog.open(options, groupCommit);
    },
  };
}

function changeLast(fileSystem: FileSystem, folder: string, change: (bytes: Buffer) => Buffer): void {
  const names = fileSystem.list(folder).map(({ name }) => name);
  const last = names
    .filter((name) => name.endsWith(".log"))
    .sort()
    .pop();
  if (last === undefined) return;
  const file = fileSystem.open(`${folder}/${last}`, "write");
  const bytes = Buffer.alloc(file.size());
  file.read(bytes, 0);
  const changed = change(bytes);
  file.write(changed, 0);
  file.truncate(changed.length);
  file.close();
}
