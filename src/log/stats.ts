/** What a shard's log files hold, from batch headers alone: quick, and no proof that the records are good. */
import type { FileSystem } from "../base/file-system.ts";
import { type CompressionName, compressionName } from "./compression.ts";
import { HeaderScan } from "./header-scan.ts";
import { segmentPaths } from "./layout.ts";
import { listShard } from "./verify.ts";

export interface ShardStats {
  segments: number;
  /** Of log files. */
  bytes: number;
  batches: number;
  records: number;
  startOffset: number;
  endOffset: number;
  /** Of the newest record of the oldest batch; undefined while empty. */
  oldestMs: number | undefined;
  newestMs: number | undefined;
  /** Bytes of batches by compression. */
  compression: Partial<Record<CompressionName, number>>;
  /** Files whose headers end before the file does. */
  unread: string[];
}

/** Counts the shard in `folder`. A file that retention takes away meanwhile is left out. */
export function shardStats(fileSystem: FileSystem, folder: string): ShardStats {
  const { logs } = listShard(fileSystem, folder);
  const stats: ShardStats = {
    segments: 0,
    bytes: 0,
    batches: 0,
    records: 0,
    startOffset: logs[0] ?? 0,
    endOffset: logs[0] ?? 0,
    oldestMs: undefined,
    newestMs: undefined,
    compression: {},
    unread: [],
  };
  for (const baseOffset of logs)
    addSegment(stats, fileSystem, segmentPaths(folder, baseOffset).log, baseOffset);
  return stats;
}

function addSegment(stats: ShardStats, fileSystem: FileSystem, path: string, baseOffset: number): void {
  if (!fileSystem.exists(path)) return;
  const file = fileSystem.open(path, "read");
  try {
    const bytes = file.size();
    const scan = new HeaderScan();
    scan.start(file, 0, bytes, baseOffset);
    stats.segments++;
    stats.bytes += bytes;
    stats.endOffset = baseOffset;
    let step = scan.next();
    for (; step === "batch"; step = scan.next()) {
      const name = compressionName(scan.compression) ?? "none";
      stats.compression[name] = (stats.compression[name] ?? 0) + scan.bytes;
      stats.batches++;
      stats.records += scan.recordCount;
      stats.endOffset = scan.nextOffset;
      stats.oldestMs ??= scan.maxTimestampMs;
      stats.newestMs = Math.max(stats.newestMs ?? scan.maxTimestampMs, scan.maxTimestampMs);
    }
    if (step === "bad") stats.unread.push(path);
  } finally {
    file.close();
  }
}
