/** What the oracle means by durable: in the log's own file, or in the journal, after any power cut. */
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { LogRange } from "../../src/log/shard-log.ts";
import type { SimDisk } from "./sim-disk.ts";

const JOURNAL_FOLDER = "/data/journal";

/** Whether each batch of `range`, whose content is `bytes`, is durable. */
export function isDurable(disk: SimDisk, range: LogRange, bytes: Buffer, journaled: boolean): boolean {
  if (disk.holdsDurably(range.fd, bytes, range.position)) return true;
  if (!journaled) return false;
  for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
    const batch = bytes.subarray(at, at + batchBytesOf(bytes, at));
    if (!disk.holdsDurably(range.fd, batch, range.position + at) && !journalHolds(disk, batch)) return false;
  }
  return true;
}

function journalHolds(disk: SimDisk, batch: Buffer): boolean {
  return disk.durableFiles(JOURNAL_FOLDER).some((file) => {
    const at = file.content().indexOf(batch);
    return at >= 0 && file.holdsDurably(batch, at);
  });
}
