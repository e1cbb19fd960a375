/**
 * Committed offsets in a SQLite database of their own, groups.db, beside the catalog; round-database.ts writes and syncs
 * it. What a transaction commits waits in a table of its own, and becomes what the group has committed in one step when
 * the transaction ends well.
 *
 *   groups(group_id, empty_since_ms, protocol_type)     null while it has members; null where it never had any
 *   offsets(group_id, stream_id, shard, offset, leader_epoch, metadata)
 *   pending_offsets(producer_id, group_id, stream_id, shard, offset, leader_epoch, metadata)
 *   rounds(id, number)                   one row, of round-database.ts
 */
import type { DatabaseFormat } from "../base/database.ts";
import type { Clock } from "../base/clock.ts";
import type { CommittedOffset, OffsetKey } from "./groups.ts";
import { PendingOffsets } from "./pending-offsets.ts";
import { RoundDatabase, type RoundDatabaseOptions, ROUNDS_TABLE } from "./round-database.ts";

const FORMAT: DatabaseFormat = {
  what: "voik's groups database",
  remedy: "Put it back from a backup, or remove it and groups.db-seal: groups then start anew",
  applicationId: 0x766b6772, // "vkgr"
  steps: [
    `CREATE TABLE groups(group_id TEXT PRIMARY KEY, empty_since_ms INTEGER) STRICT, WITHOUT ROWID;
     CREATE TABLE offsets(
       group_id TEXT NOT NULL,
       stream_id TEXT NOT NULL,
       shard INTEGER NOT NULL,
       offset INTEGER NOT NULL,
       leader_epoch INTEGER NOT NULL,
       metadata TEXT NOT NULL,
       PRIMARY KEY (group_id, stream_id, shard)
     ) STRICT, WITHOUT ROWID;`,
    `CREATE TABLE pending_offsets(
       producer_id INTEGER NOT NULL,
       group_id TEXT NOT NULL,
       stream_id TEXT NOT NULL,
       shard INTEGER NOT NULL,
       offset INTEGER NOT NULL,
       leader_epoch INTEGER NOT NULL,
       metadata TEXT NOT NULL,
       PRIMARY KEY (producer_id, group_id, stream_id, shard)
     ) STRICT, WITHOUT ROWID;`,
    ROUNDS_TABLE,
    "ALTER TABLE groups ADD COLUMN protocol_type TEXT",
  ],
};

export type OffsetStoreOptions = RoundDatabaseOptions;

interface OffsetRow {
  stream_id: string;
  shard: number;
  offset: number;
  leader_epoch: number;
  metadata: string;
}

/** What is stored of a group beside its offsets. */
export interface StoredGroup {
  /** Since when it has no members; undefined while it has some. Wall time. */
  readonly emptySinceMs: number | undefined;
  /** What its members are or were, such as "consumer"; null where it never had any. */
  readonly protocolType: string | null;
}

export class OffsetStore {
  readonly groups = new Map<string, StoredGroup>();
  /** What transactions have not committed yet. */
  readonly pending: PendingOffsets;
  private readonly upsert;
  private readonly readOne;

  private constructor(
    private readonly database: RoundDatabase,
    clock: Clock,
  ) {
    const { sqlite } = database;
    this.upsert = sqlite.query<void, [string, string, number, number, number, string]>(
      `INSERT INTO offsets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        offset = excluded.offset, leader_epoch = excluded.leader_epoch, metadata = excluded.metadata`,
    );
    this.readOne = sqlite.query<OffsetRow, [string, string, number]>(
      "SELECT * FROM offsets WHERE group_id = ? AND stream_id = ? AND shard = ?",
    );
    this.pending = new PendingOffsets(database, (groupId) => {
      if (!this.groups.has(groupId)) this.writeGroup(groupId, clock.nowMs(), null);
    });
    database.onRollback = () => {
      this.loadGroups();
      this.pending.load();
    };
    // Whoever was a member when voik ended is not one now.
    this.loadGroups(clock.nowMs());
  }

  /** Opens the database. Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
  static async open(options: OffsetStoreOptions): Promise<OffsetStore> {
    return new OffsetStore(await RoundDatabase.open(FORMAT, options), options.clock);
  }

  /**
   * Stores offsets of a group; resolves when they survive a crash. `emptySinceMs`: undefined while it has members.
   * `protocolType`: null to leave it as it is.
   */
  commit(
    groupId: string,
    offsets: readonly CommittedOffset[],
    emptySinceMs: number | undefined,
    protocolType: string | null,
  ): Promise<void> {
    return this.database.change(offsets.length + 1, () => {
      this.writeGroup(groupId, emptySinceMs, protocolType);
      for (const { streamId, shard, offset, leaderEpoch, metadata } of offsets) {
        this.upsert.run(groupId, streamId, shard, offset, leaderEpoch, metadata);
      }
    });
  }

  /** Notes since when a stored group has no members, and what they are or were; a group that is not stored is not made. */
  setEmptySince(
    groupId: string,
    emptySinceMs: number | undefined,
    protocolType: string | null,
  ): Promise<void> {
    return this.database.change(1, () => {
      if (this.groups.has(groupId)) this.writeGroup(groupId, emptySinceMs, protocolType);
    });
  }

  /** Forgets offsets of a group. */
  forget(groupId: string, keys: readonly OffsetKey[]): Promise<void> {
    const remove = this.database.sqlite.query<void, [string, string, number]>(
      "DELETE FROM offsets WHERE group_id = ? AND stream_id = ? AND shard = ?",
    );
    return this.database.change(keys.length, () => {
      for (const { streamId, shard } of keys) remove.run(groupId, streamId, shard);
    });
  }

  /** Forgets a group and its offsets. */
  deleteGroup(groupId: string): Promise<void> {
    return this.database.change(1, () => {
      this.database.sqlite.query("DELETE FROM offsets WHERE group_id = ?").run(groupId);
      this.database.sqlite.query("DELETE FROM groups WHERE group_id = ?").run(groupId);
      this.groups.delete(groupId);
    });
  }

  /** Forgets all offsets of streams that `exists` does not know. */
  forgetStreams(exists: (streamId: string) => boolean): Promise<void> {
    const ids = this.database.sqlite
      .query<{ stream_id: string }, []>("SELECT DISTINCT stream_id FROM offsets")
      .all();
    const gone = ids.map(({ stream_id }) => stream_id).filter((id) => !exists(id));
    if (gone.length === 0) return Promise.resolve();
    const remove = this.database.sqlite.query("DELETE FROM offsets WHERE stream_id = ?");
    return this.database.change(gone.length, () => {
      for (const id of gone) remove.run(id);
    });
  }

  /** What a group has committed for `keys`, or all of it with null; waits until what it returns survives a crash. */
  async read(groupId: string, keys: readonly OffsetKey[] | null): Promise<CommittedOffset[]> {
    await this.database.settled();
    if (this.database.refusal) throw this.database.refusal;
    if (!this.groups.has(groupId)) return [];
    if (keys === null) {
      const all = this.database.sqlite.query<OffsetRow, [string]>("SELECT * FROM offsets WHERE group_id = ?");
      return all.all(groupId).map(toCommitted);
    }
    const found: CommittedOffset[] = [];
    for (const { streamId, shard } of keys) {
      const row = this.readOne.get(groupId, streamId, shard);
      if (row) found.push(toCommitted(row));
    }
    return found;
  }

  /** Writes what is waiting, syncs, and closes. Changes then reject with shutting_down. */
  close(): Promise<void> {
    return this.database.close();
  }

  private loadGroups(emptySinceMs?: number): void {
    this.groups.clear();
    const rows = this.database.sqlite.query<
      { group_id: string; empty_since_ms: number | null; protocol_type: string | null },
      []
    >("SELECT * FROM groups");
    for (const row of rows.all()) {
      const { group_id, empty_since_ms, protocol_type: protocolType } = row;
      this.groups.set(group_id, { emptySinceMs: empty_since_ms ?? emptySinceMs, protocolType });
    }
  }

  private writeGroup(groupId: string, emptySinceMs: number | undefined, type: string | null): void {
    const before = this.groups.get(groupId);
    const protocolType = type ?? before?.protocolType ?? null;
    if (before && before.emptySinceMs === emptySinceMs && before.protocolType === protocolType) return;
    const upsert = this.database.sqlite.query<void, [string, number | null, string | null]>(
      "REPLACE INTO groups VALUES (?, ?, ?)",
    );
    upsert.run(groupId, emptySinceMs ?? null, protocolType);
    this.groups.set(groupId, { emptySinceMs, protocolType });
  }
}

function toCommitted(row: OffsetRow): CommittedOffset {
  const { stream_id: streamId, shard, offset, leader_epoch: leaderEpoch, metadata } = row;
  return { streamId, shard, offset, leaderEpoch, metadata };
}
