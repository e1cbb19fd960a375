/**
 * A worker as the Kinesis Client Library runs them: it takes leases, reads their shards one page after the other, keeps
 * a checkpoint behind each page, and at the end of a shard makes leases for the children. Children are read only once
 * their parents are finished. Workers that share a table share the shards.
 */
import type { _Record } from "@aws-sdk/client-kinesis";
import type { Fetcher } from "./fetchers.ts";
import { type Lease, type LeaseTable, SHARD_END } from "./lease-table.ts";

const LOOK_FOR_LEASES_MS = 10;

export interface WorkerOptions {
  readonly name: string;
  readonly table: LeaseTable;
  readonly fetch: Fetcher;
  /** Gets each page's records, before they are checkpointed. */
  readonly process: (records: readonly _Record[], shardId: string) => void;
  /** Leases to hold at most. */
  readonly leasesMax?: number;
}

export class KclWorker {
  private state: "runs" | "stopping" | "dead" = "runs";
  private readonly ended = Promise.withResolvers<undefined>();
  private readonly reading = new Set<Promise<void>>();
  private failure: unknown;

  constructor(private readonly options: WorkerOptions) {}

  /** Works until `stop`, `die` or the first error, which it throws. */
  async run(): Promise<void> {
    const { table, name, leasesMax = Infinity } = this.options;
    while (this.state === "runs" && this.failure === undefined) {
      const lease = this.reading.size < leasesMax ? table.take(name) : undefined;
      if (lease === undefined) await Bun.sleep(LOOK_FOR_LEASES_MS);
      else this.start(lease);
    }
    this.ended.resolve(undefined);
    await Promise.all(this.reading);
    if (this.state !== "dead") table.release(name);
    if (this.failure !== undefined) throw this.failure;
  }

  /** Ends behind the pages that are there, and gives all leases back. */
  stop(): void {
    this.end("stopping");
  }

  /** Ends as a killed process does: nothing more is checkpointed, its leases stay its own until they run out. */
  die(): void {
    this.end("dead");
  }

  private end(state: "stopping" | "dead"): void {
    this.state = state;
    this.ended.resolve(undefined);
  }

  private start(lease: Lease): void {
    const reading: Promise<void> = this.read(lease)
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.reading.delete(reading));
    this.reading.add(reading);
  }

  private async read(lease: Lease): Promise<void> {
    const { table, name, fetch, process } = this.options;
    const alive = setInterval(() => this.state !== "dead" && table.renew(lease, name), LOOK_FOR_LEASES_MS);
    const pages = fetch(lease.shardId, lease.checkpoint);
    try {
      for (;;) {
        const coming = pages.next();
        // Left alone when this worker ends first: a subscription may be quiet for seconds.
        coming.catch(() => {});
        const next = await Promise.race([coming, this.ended.promise]);
        if (next === undefined || next.done || !table.renew(lease, name)) break;
        const { records, children, checkpoint } = next.value;
        process(records, lease.shardId);
        table.addChildren(children);
        if (children.length > 0) lease.checkpoint = SHARD_END;
        else if (checkpoint !== undefined) lease.checkpoint = checkpoint;
      }
    } finally {
      clearInterval(alive);
      void pages.return(undefined).catch(() => {});
      if (this.state !== "dead" && lease.owner === name) lease.owner = undefined;
    }
  }
}
