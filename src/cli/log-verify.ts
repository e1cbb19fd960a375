/**
 * `voik log verify`: reads every byte of every log, checksums and offsets, and says what is wrong: file, byte,
 * offsets. Exit code 0 when nothing is lost, 74 when something is. Changes nothing.
 */
import { formatBytes } from "../base/units.ts";
import { type DamagedRange, describeDamage, type Note } from "../log/damage.ts";
import { type ShardReport, shardBytes, verifyShard } from "../log/verify.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { fileSystem, folderArgs, LogFolder, readOnlyArg, type ShardFolder } from "./log-folder.ts";
import { Progress } from "./progress.ts";

/** Damage with the words for it; the folder around the logs has no ranges. */
type Damage = Note & Partial<DamagedRange>;

interface Found {
  shards: { stream: string; shard: number; report: ShardReport }[];
  damage: Damage[];
  notes: Note[];
}

export default command({
  name: "log verify",
  description: "Look for damage in a data folder",
  args: { ...folderArgs, ...readOnlyArg },
  async run({ args }) {
    const folder = LogFolder.ofArgs(args);
    try {
      const shards = folder.shards(args);
      const total = shards.reduce((bytes, at) => bytes + shardBytes(fileSystem, at.folder), 0);
      const progress = new Progress(total);
      const found = await verifyAll(folder, shards, progress, args["read-only"] === true);
      progress.end();
      print(found, progress, args.json === true);
      if (found.damage.length > 0)
        throw new CliError(
          EXIT.storageFailed,
          `damage in ${found.damage.length === 1 ? "one place" : `${found.damage.length} places`}`,
        );
    } finally {
      folder.close();
    }
  },
});

async function verifyAll(
  folder: LogFolder,
  shards: readonly ShardFolder[],
  progress: Progress,
  growing: boolean,
): Promise<Found> {
  const found: Found = { shards: [], damage: [...folder.damage], notes: [...folder.notes] };
  const pace = (bytes: number) => progress.add(bytes);
  for (const { stream, shard, folder: path } of shards) {
    const report = await verifyShard(fileSystem, path, { growing, pace });
    found.shards.push({ stream, shard, report });
    found.damage.push(...report.damage.map((range) => ({ ...range, message: describeDamage(range) })));
    found.notes.push(...report.notes);
  }
  return found;
}

function print({ shards, damage, notes }: Found, progress: Progress, json: boolean): void {
  const { seconds } = progress;
  if (json) {
    const rows = shards.map(({ stream, shard, report: { damage: _, notes: __, ...counts } }) => ({
      stream,
      shard,
      ...counts,
    }));
    console.log(JSON.stringify({ shards: rows, damage, notes, bytes: progress.done, seconds }));
    return;
  }
  for (const { path, message } of damage) console.log(`damage  ${path}: ${message}`);
  for (const { path, message } of notes) console.log(`note    ${path}: ${message}`);
  const segments = shards.reduce((sum, { report }) => sum + report.segments, 0);
  const records = shards.reduce((sum, { report }) => sum + report.records, 0);
  console.log(
    `${damage.length === 0 ? "no damage" : "damaged"}: ${shards.length} shards, ${segments} segments, ` +
      `${records} records, ${formatBytes(progress.done)} in ${seconds.toFixed(1)} s (${progress.rate})`,
  );
}
