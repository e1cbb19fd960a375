/**
 * Transactional producers in a SQLite database of their own, transactions.db, one row each, written whole at each
 * change: groups/round-database.ts writes and syncs it. A transaction is as far as its row says: a commit is decided
 * when the row that says so survives a crash.
 */
import type { DatabaseFormat } from "../base/database.ts";
import { RoundDatabase, type RoundDatabaseOptions, ROUNDS_TABLE } from "../groups/round-database.ts";
import type { Outcome, Phase, Transaction } from "./transaction.ts";

const FORMAT: DatabaseFormat = {
  what: "voik's transactions database",
  remedy: "Put it back from a backup, or remove it and transactions.db-seal: transactions then start anew",
  applicationId: 0x766b7478, // "vktx"
  steps: [
    `CREATE TABLE transactions(
       id TEXT PRIMARY KEY,
       producer_id INTEGER NOT NULL,
       producer_epoch INTEGER NOT NULL,
       previous_id INTEGER,
       previous_epoch INTEGER,
       next_id INTEGER,
       phase TEXT NOT NULL,
       outcome TEXT,
       timeout_ms INTEGER NOT NULL,
       shards TEXT NOT NULL,
       groups TEXT NOT NULL,
       started_at_ms INTEGER NOT NULL,
       updated_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;`,
    ROUNDS_TABLE,
  ],
};

interface Row {
  id: string;
  producer_id: number;
  producer_epoch: number;
  previous_id: number | null;
  previous_epoch: number | null;
  next_id: number | null;
  phase: string;
  outcome: string | null;
  timeout_ms: number;
  shards: string;
  groups: string;
  started_at_ms: number;
  updated_at_ms: number;
}

type Value = string | number | null;

export class TransactionStore {
  private readonly upsert;

  private constructor(private readonly database: RoundDatabase) {
    this.upsert = database.sqlite.query<void, Value[]>(
      "REPLACE INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
  }

  /** Opens the database. Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
  static async open(options: RoundDatabaseOptions): Promise<TransactionStore> {
    return new TransactionStore(await RoundDatabase.open(FORMAT, options));
  }

  all(): Transaction[] {
    return this.database.sqlite.query<Row, []>("SELECT * FROM transactions").all().map(fromRow);
  }

  /** Stores how far a producer is; resolves when that survives a crash. */
  put(transaction: Transaction): Promise<void> {
    return this.database.change(1, () => void this.upsert.run(...toValues(transaction)));
  }

  remove(ids: readonly string[]): Promise<void> {
    const remove = this.database.sqlite.query<void, [string]>("DELETE FROM transactions WHERE id = ?");
    return this.database.change(ids.length, () => {
      for (const id of ids) remove.run(id);
    });
  }

  /** Writes what is waiting, syncs, and closes. Changes then reject with shutting_down. */
  close(): Promise<void> {
    return this.database.close();
  }
}

function toValues(transaction: Transaction): Value[] {
  const { id, producerId, producerEpoch, previous, nextProducerId, phase, outcome } = transaction;
  const { timeoutMs, shards, groups, startedAtMs, updatedAtMs } = transaction;
  return [
    id,
    producerId,
    producerEpoch,
    previous?.producerId ?? null,
    previous?.producerEpoch ?? null,
    nextProducerId ?? null,
    phase,
    outcome ?? null,
    timeoutMs,
    JSON.stringify([...shards]),
    JSON.stringify([...groups]),
    startedAtMs,
    updatedAtMs,
  ];
}

function fromRow(row: Row): Transaction {
  const { previous_id: producerId, previous_epoch: producerEpoch } = row;
  return {
    id: row.id,
    producerId: row.producer_id,
    producerEpoch: row.producer_epoch,
    previous: producerId !== null && producerEpoch !== null ? { producerId, producerEpoch } : undefined,
    nextProducerId: row.next_id ?? undefined,
    phase: row.phase as Phase,
    outcome: (row.outcome ?? undefined) as Outcome | undefined,
    timeoutMs: row.timeout_ms,
    shards: new Set(JSON.parse(row.shards) as string[]),
    groups: new Set(JSON.parse(row.groups) as string[]),
    startedAtMs: row.started_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
