/** A transaction coordinator over a database in a temporary folder, or in one that is given. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { Groups } from "../../src/groups/groups.ts";
import type { Broker } from "../../src/streams/broker.ts";
import { type CoordinatorLimits, TransactionCoordinator } from "../../src/transactions/coordinator.ts";
import { TransactionStore } from "../../src/transactions/transaction-store.ts";

export interface TestTransactions {
  transactions: TransactionCoordinator;
  store: TransactionStore;
  close(): Promise<void>;
}

export interface TestTransactionsOptions {
  broker: Broker;
  groups: Groups;
  folder?: string;
  clock?: Clock;
  limits?: Partial<CoordinatorLimits>;
}

export async function openTestTransactions(options: TestTransactionsOptions): Promise<TestTransactions> {
  const { broker, groups, clock = systemClock, limits = {} } = options;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "voik-transactions-"));
  const store = await TransactionStore.open({
    path: join(folder, "transactions.db"),
    fileSystem: disk,
    clock,
    onSyncFailure(error) {
      throw error;
    },
  });
  const parts = { broker, groups, store, clock, logger: silentLogger, limits };
  const transactions = await TransactionCoordinator.open(parts);
  return {
    transactions,
    store,
    async close() {
      await transactions.stop();
      await store.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
