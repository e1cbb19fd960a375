/** What the sync scheduler shows to Prometheus: how long syncs take, of which kind they are, and what waits for them. */
import type { MetricsRegistry } from "../base/metrics.ts";
import { readErrors } from "../base/read-errors.ts";
import type { GroupCommitOptions, SyncKind } from "./group-commit.ts";

/** What is counted of a log when the metrics are read. */
interface CountedLog {
  readonly waitingAppends: number;
  readonly unsyncedBytes: number;
}

/** Registers the metrics of `logs`, which may change, and returns what the scheduler has to call. */
export function syncMetrics(
  metrics: MetricsRegistry,
  logs: Iterable<CountedLog>,
): Pick<GroupCommitOptions, "onSynced"> {
  const histogram = (kind: SyncKind) =>
    metrics.histogram(
      "voik_sync_seconds",
      "How long syncs took, by kind: a log's files, the file system or the journal.",
      {
        kind,
      },
    );
  const seconds: Record<SyncKind, ReturnType<typeof histogram>> = {
    file: histogram("file"),
    filesystem: histogram("filesystem"),
    journal: histogram("journal"),
  };
  metrics.gauge("voik_appends_waiting", "Appends that wait for a sync.", {}, () =>
    total(logs, (log) => log.waitingAppends),
  );
  metrics.gauge("voik_unsynced_bytes", "Bytes appended and not yet synced.", {}, () =>
    total(logs, (log) => log.unsyncedBytes),
  );
  const help = "Reads of log files that the disk answered with an error, since the start.";
  metrics.gauge("voik_read_errors", help, {}, () => readErrors.count);
  return { onSynced: (kind, durationMs) => seconds[kind].observe(durationMs / 1000) };
}

function total(logs: Iterable<CountedLog>, of: (log: CountedLog) => number): number {
  let sum = 0;
  for (const log of logs) sum += of(log);
  return sum;
}
