/**
 * Offsets that open transactions have committed (KIP-98): durable at once, shown by nobody, until the transaction ends.
 * A commit makes them the group's offsets and an abort forgets them, each in one change, which may be asked for again
 * after a crash: the second time there is nothing left to do.
 */
import type { CommittedOffset, PendingCommits } from "./groups.ts";
import type { RoundDatabase } from "./round-database.ts";

interface PendingPlace {
  group_id: string;
  stream_id: string;
  shard: number;
}

export class PendingOffsets implements PendingCommits {
  /** The producers that have an offset pending, by group and shard. */
  private readonly producersAt = new Map<string, Set<number>>();
  private readonly upsert;
  private readonly placesOf;

  /** `keepGroup` notes a group that gets its first offsets, inside of a change. */
  constructor(
    private readonly database: RoundDatabase,
    private readonly keepGroup: (groupId: string) => void,
  ) {
    const { sqlite } = database;
    this.upsert = sqlite.query<void, [number, string, string, number, number, number, string]>(
      "REPLACE INTO pending_offsets VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.placesOf = sqlite.query<PendingPlace, [number]>(
      "SELECT group_id, stream_id, shard FROM pending_offsets WHERE producer_id = ?",
    );
    this.load();
  }

  /** Whether an open transaction has committed an offset for this shard in the name of the group. */
  isPending(groupId: string, streamId: string, shard: number): boolean {
    return this.producersAt.size > 0 && this.producersAt.has(placeOf(groupId, streamId, shard));
  }

  /** Stores offsets for a transaction; resolves when they survive a crash. */
  add(producerId: number, groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.database.change(offsets.length, () => {
      for (const { streamId, shard, offset, leaderEpoch, metadata } of offsets) {
        this.upsert.run(producerId, groupId, streamId, shard, offset, leaderEpoch, metadata);
        this.note(placeOf(groupId, streamId, shard), producerId);
      }
    });
  }

  /** Ends what a producer has pending, whatever its groups; resolves when that survives a crash. */
  end(producerId: number, committed: boolean): Promise<void> {
    const { sqlite } = this.database;
    return this.database.change(1, () => {
      const places = this.placesOf.all(producerId);
      if (committed) {
        for (const { group_id } of places) this.keepGroup(group_id);
        const commit = sqlite.query<void, [number]>(
          `REPLACE INTO offsets SELECT group_id, stream_id, shard, offset, leader_epoch, metadata
           FROM pending_offsets WHERE producer_id = ?`,
        );
        commit.run(producerId);
      }
      sqlite.query<void, [number]>("DELETE FROM pending_offsets WHERE producer_id = ?").run(producerId);
      for (const { group_id, stream_id, shard } of places)
        this.drop(placeOf(group_id, stream_id, shard), producerId);
    });
  }

  /** Producers that have something pending. */
  producers(): number[] {
    return [...new Set([...this.producersAt.values()].flatMap((producers) => [...producers]))];
  }

  /** Reads from the database what is pending. */
  load(): void {
    this.producersAt.clear();
    const all = this.database.sqlite.query<PendingPlace & { producer_id: number }, []>(
      "SELECT producer_id, group_id, stream_id, shard FROM pending_offsets",
    );
    for (const { producer_id, group_id, stream_id, shard } of all.all())
      this.note(placeOf(group_id, stream_id, shard), producer_id);
  }

  private note(place: string, producerId: number): void {
    const producers = this.producersAt.get(place);
    if (producers) producers.add(producerId);
    else this.producersAt.set(place, new Set([producerId]));
  }

  private drop(place: string, producerId: number): void {
    const producers = this.producersAt.get(place);
    producers?.delete(producerId);
    if (producers?.size === 0) this.producersAt.delete(place);
  }
}

function placeOf(groupId: string, streamId: string, shard: number): string {
  return `${streamId}/${shard}/${groupId}`;
}
