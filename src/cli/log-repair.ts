/**
 * `voik log repair`: verifies, then gives up what is damaged, so that its shards take writes again. The bytes stay where
 * they are and are copied beside the log; the lost offsets are said. With --dry-run it only says what it would do.
 */
import { type DamagedRange, describeDamage } from "../log/damage.ts";
import { storageError } from "../log/log-file.ts";
import { setDamageAside } from "../log/repair.ts";
import { shardBytes, verifyShard } from "../log/verify.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { fileSystem, folderArgs, LogFolder } from "./log-folder.ts";
import { Progress } from "./progress.ts";

interface Line {
  /** "set aside", or why not. */
  outcome: string;
  path: string;
  message: string;
  copy?: string | undefined;
  range?: DamagedRange;
}

export default command({
  name: "log repair",
  description: "Give up damaged records, so that their shards take writes again",
  args: { ...folderArgs, "dry-run": { type: "boolean", description: "Only say what would be given up" } },
  async run({ args }) {
    const folder = LogFolder.ofArgs(args);
    try {
      const shards = folder.shards(args);
      const progress = new Progress(shards.reduce((sum, at) => sum + shardBytes(fileSystem, at.folder), 0));
      const lines: Line[] = folder.damage.map((note) => ({ outcome: "can't be repaired", ...note }));
      for (const shard of shards) {
        lines.push(...(await repair(shard.folder, progress, args["dry-run"] === true)));
      }
      progress.end();
      if (args.json) console.log(JSON.stringify(lines));
      else print(lines);
      const left = lines.filter(({ outcome }) => outcome === "can't be repaired").length;
      if (left > 0)
        throw new CliError(EXIT.storageFailed, `${left} can't be repaired: put them back from a backup`);
    } finally {
      folder.close();
    }
  },
});

async function repair(folder: string, progress: Progress, dryRun: boolean): Promise<Line[]> {
  const { damage } = await verifyShard(fileSystem, folder, { pace: (bytes) => progress.add(bytes) });
  const repaired = dryRun ? [] : await setDamageAside(fileSystem, folder, damage).catch(storageFailed);
  return damage.map((range) => {
    const done = repaired.find((other) => other.range === range);
    const possible = range.endOffset !== undefined && range.path !== folder;
    const outcome = done ? "set aside" : possible && dryRun ? "would be set aside" : "can't be repaired";
    return { outcome, path: range.path, message: describeDamage(range), copy: done?.copy, range };
  });
}

function storageFailed(error: unknown): never {
  throw storageError(error, "setting damaged bytes aside");
}

function print(lines: readonly Line[]): void {
  if (lines.length === 0) console.log("no damage: nothing to repair");
  for (const { outcome, path, message, copy } of lines) {
    console.log(`${outcome}  ${path}: ${message}${copy === undefined ? "" : `; their bytes are in ${copy}`}`);
  }
}
