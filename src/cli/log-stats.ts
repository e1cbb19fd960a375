/** `voik log stats`: what each shard holds, from batch headers: segments, bytes, records, offsets, times, compression. */
import { formatBytes } from "../base/units.ts";
import { type ShardStats, shardStats } from "../log/stats.ts";
import { command } from "./command.ts";
import { fileSystem, folderArgs, LogFolder, readOnlyArg } from "./log-folder.ts";
import { timeText } from "./record-format.ts";

type Row = { stream: string; shard: number } & ShardStats;

export default command({
  name: "log stats",
  description: "Show what each shard of a data folder holds",
  args: { ...folderArgs, ...readOnlyArg },
  async run({ args }) {
    const folder = LogFolder.ofArgs(args);
    try {
      const rows = folder.shards(args).map(({ stream, shard, folder: path }) => ({
        stream,
        shard,
        ...shardStats(fileSystem, path),
      }));
      if (args.json) return console.log(JSON.stringify(rows));
      printTable(rows);
      for (const { path, message } of folder.notes) console.log(`note  ${path}: ${message}`);
    } finally {
      folder.close();
    }
  },
});

const COLUMNS: [string, (row: Row) => string][] = [
  ["stream", (row) => row.stream],
  ["shard", (row) => String(row.shard)],
  ["segments", (row) => String(row.segments)],
  ["bytes", (row) => formatBytes(row.bytes)],
  ["records", (row) => String(row.records)],
  ["start", (row) => String(row.startOffset)],
  ["end", (row) => String(row.endOffset)],
  ["oldest", (row) => timeText(row.oldestMs ?? -1) ?? "-"],
  ["newest", (row) => timeText(row.newestMs ?? -1) ?? "-"],
  ["compression", (row) => shares(row)],
];

function printTable(rows: readonly Row[]): void {
  const lines = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))];
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  for (const line of lines) {
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join("  ")
        .trimEnd(),
    );
  }
  for (const path of rows.flatMap((row) => row.unread))
    console.log(`note  ${path} ends in something else than a batch: voik log verify says more`);
}

/** "zstd 90 %, none 10 %", by bytes. */
function shares({ compression }: ShardStats): string {
  const parts = Object.entries(compression).sort(([, a], [, b]) => b - a);
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  return parts.map(([name, bytes]) => `${name} ${Math.round((100 * bytes) / total)} %`).join(", ") || "-";
}
