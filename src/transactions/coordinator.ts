/**
 * The transactional producers of this broker: gives each event to its producer (step.ts), stores what comes of it before
 * it counts, carries decisions out, and gives up on transactions that take too long.
 *
 *   event -> step -> row of transactions.db, durable -> it counts -> decided? markers and offsets, durable -> answer
 *
 * Events of one transactional id wait for each other; those of different ids share the rounds of the store. A decision
 * that the disk refuses to carry out now is tried again until it is done, and so is every one that a crash interrupts:
 * before the broker takes requests.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { ClockSteps } from "../log/clock-steps.ts";
import { carryOut, type Surroundings } from "./carry-out.ts";
import { abortStrays } from "./strays.ts";
import { step } from "./step.ts";
import {
  type Identity,
  isEnding,
  needsSpareId,
  sameIdentity,
  type Transaction,
  type TransactionEvent,
  type TransactionFailure,
  type TransactionLimits,
} from "./transaction.ts";
import type { Transactions } from "./transactions.ts";
import type { TransactionStore } from "./transaction-store.ts";

export interface CoordinatorLimits extends TransactionLimits {
  /** Transactional ids that are known at a time. */
  readonly idsMax: number;
  /** How long an id that nobody uses is known. */
  readonly idRetentionMs: number;
}

export const DEFAULT_TRANSACTION_LIMITS: CoordinatorLimits = {
  timeoutMsMax: 900_000,
  membersMax: 10_000,
  idsMax: 100_000,
  idRetentionMs: 7 * 24 * 3_600_000,
};

export interface TransactionCoordinatorOptions extends Surroundings {
  store: TransactionStore;
  clock: Clock;
  logger: Logger;
  limits?: Partial<CoordinatorLimits>;
}

const ID_LENGTH_MAX = 1024;
const RETRY_MS = 1_000;
const SWEEP_INTERVAL_MS = 600_000;

/** One transactional id. */
interface Entry {
  readonly id: string;
  transaction: Transaction | undefined;
  /** Shards that are being taken in because something was written to them. */
  readonly joining: Map<string, Promise<Identity | TransactionFailure>>;
  gathering: Gathering | undefined;
  /** The end of the line of events. */
  last: Promise<unknown>;
  waiting: number;
  timer: Timer | undefined;
}

interface Gathering {
  readonly shards: string[];
  readonly done: Promise<Identity | TransactionFailure>;
}

type WithoutSpareId<E> = E extends { spareId: number } ? Omit<E, "spareId"> : E;

export class TransactionCoordinator implements Transactions {
  private readonly entries = new Map<string, Entry>();
  private readonly limits: CoordinatorLimits;
  private readonly steps: ClockSteps;
  private stopping = false;
  private sweepTimer: Timer | undefined;

  private constructor(private readonly options: TransactionCoordinatorOptions) {
    this.limits = { ...DEFAULT_TRANSACTION_LIMITS, ...options.limits };
    this.steps = new ClockSteps(options.clock);
  }

  /** Knows all transactional ids that are stored, and has carried out what was decided, as far as the disk lets it. */
  static async open(options: TransactionCoordinatorOptions): Promise<TransactionCoordinator> {
    const coordinator = new TransactionCoordinator(options);
    const ending: Promise<unknown>[] = [];
    for (const transaction of options.store.all()) {
      const entry = coordinator.entryOf(transaction.id);
      coordinator.adopt(entry, transaction);
      if (isEnding(transaction)) ending.push(coordinator.inLine(entry, () => coordinator.finish(entry)));
    }
    await Promise.all(ending);
    coordinator.planSweep(0);
    return coordinator;
  }

  /** Transactions under way. */
  get openCount(): number {
    let count = 0;
    for (const { transaction } of this.entries.values()) if (transaction && isUnderWay(transaction)) count++;
    return count;
  }

  async init(
    id: string,
    known: Identity | undefined,
    timeoutMs: number,
  ): Promise<Identity | TransactionFailure> {
    if (id === "" || id.length > ID_LENGTH_MAX) return "id_invalid";
    if (!this.entries.has(id) && this.entries.size >= this.limits.idsMax) return "limit_exceeded";
    return this.run(id, { kind: "init", known, timeoutMs });
  }

  async add(
    id: string,
    by: Identity,
    shards: readonly string[],
    groups: readonly string[],
  ): Promise<Identity | TransactionFailure> {
    return this.run(id, { kind: "add", by, shards, groups });
  }

  async end(
    id: string,
    by: Identity,
    commit: boolean,
    bump: boolean,
  ): Promise<Identity | TransactionFailure> {
    return this.run(id, { kind: "end", by, commit, bump });
  }

  refusal(id: string, by: Identity, shard: string): TransactionFailure | undefined {
    const entry = this.entries.get(id);
    const failure = refusalOf(entry?.transaction, by);
    if (failure) return failure;
    const mayWrite = entry?.transaction?.shards.has(shard) && !entry.joining.has(shard);
    return mayWrite ? undefined : "state_invalid";
  }

  groupRefusal(id: string, by: Identity, groupId: string): TransactionFailure | undefined {
    const transaction = this.entries.get(id)?.transaction;
    return refusalOf(transaction, by) ?? (transaction?.groups.has(groupId) ? undefined : "state_invalid");
  }

  async join(id: string, by: Identity, shard: string): Promise<Identity | TransactionFailure> {
    const entry = this.entries.get(id);
    if (entry === undefined) return "producer_unknown";
    const under = entry.joining.get(shard);
    if (under) return under;
    // Shards of one request, and of others that come in this turn, are taken in together.
    const together = (entry.gathering ??= this.gather(entry, by));
    together.shards.push(shard);
    entry.joining.set(shard, together.done);
    return together.done;
  }

  describe(id: string): Transaction | undefined {
    return this.entries.get(id)?.transaction;
  }

  list(): readonly Transaction[] {
    return [...this.entries.values()].flatMap(({ transaction }) => transaction ?? []);
  }

  /** Takes no more events; resolves when those under way have been answered. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.sweepTimer?.cancel();
    for (const entry of this.entries.values()) entry.timer?.cancel();
    await Promise.all([...this.entries.values()].map(({ last }) => last));
  }

  /** Forgets ids that nobody has used for long, and ends what belongs to no transaction; a timer calls it too. */
  async sweep(): Promise<void> {
    const settled = this.steps.settled();
    try {
      if (settled) await this.forgetUnused();
      await abortStrays((...stray) => this.knows(...stray), this.options);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      this.options.logger.warn("looking after transactions failed", { error: error.message });
    }
  }

  private async forgetUnused(): Promise<void> {
    const { clock, store } = this.options;
    const oldestMs = clock.nowMs() - this.limits.idRetentionMs;
    const unused = [...this.entries.values()].filter(
      ({ transaction, waiting }) =>
        waiting === 0 && transaction?.phase === "empty" && transaction.updatedAtMs < oldestMs,
    );
    for (const { id } of unused) this.entries.delete(id);
    if (unused.length > 0) await store.remove(unused.map(({ id }) => id));
  }

  private async run(
    id: string,
    event: WithoutSpareId<TransactionEvent>,
  ): Promise<Identity | TransactionFailure> {
    if (this.stopping) return "unavailable";
    if (event.kind !== "init" && !this.entries.has(id)) return id === "" ? "id_invalid" : "producer_unknown";
    const entry = this.entryOf(id);
    return this.inLine(entry, async () => {
      try {
        return await this.move(entry, event);
      } catch (error) {
        if (!(error instanceof VoikError)) throw error;
        this.options.logger.warn("a transaction can't go on now", { id, error: error.message });
        return "unavailable";
      } finally {
        if (entry.transaction === undefined && entry.waiting === 1) this.entries.delete(id);
      }
    });
  }

  private async move(
    entry: Entry,
    event: WithoutSpareId<TransactionEvent>,
  ): Promise<Identity | TransactionFailure> {
    const { clock, store } = this.options;
    const before = entry.transaction;
    const spareId = "bump" in event || event.kind === "init" ? this.spareId(before) : -1;
    const whole = { ...event, spareId } as TransactionEvent;
    const { transaction, answer } = step(entry.id, before, whole, clock.nowMs(), this.limits);
    if (transaction !== undefined && transaction !== before) {
      await store.put(transaction);
      this.adopt(entry, transaction);
    }
    if (answer.kind === "failure") return answer.failure;
    if (answer.kind === "ok") return answer.identity;
    if (!(await this.finish(entry))) return "ending";
    if (event.kind === "init") return this.move(entry, event);
    return entry.transaction as Identity;
  }

  /** Whether a transaction of that producer is under way, and has that shard. */
  private knows(producerId: number, shard?: string): boolean {
    for (const { transaction } of this.entries.values()) {
      if (transaction?.producerId !== producerId || !isUnderWay(transaction)) continue;
      return shard === undefined || transaction.shards.has(shard);
    }
    return false;
  }

  private gather(entry: Entry, by: Identity): Gathering {
    const shards: string[] = [];
    const add = async () => {
      entry.gathering = undefined;
      const result = await this.add(entry.id, by, shards, []);
      // Before anyone who has joined goes on.
      for (const shard of shards) entry.joining.delete(shard);
      return result;
    };
    return { shards, done: Promise.resolve().then(add) };
  }

  private spareId(transaction: Transaction | undefined): number {
    return needsSpareId(transaction) ? this.options.broker.newProducerId() : -1;
  }

  /** Carries out what was decided; false when the disk refuses, and then it is tried again later. */
  private async finish(entry: Entry): Promise<boolean> {
    const { logger, clock, store } = this.options;
    const decided = entry.transaction as Transaction;
    try {
      await carryOut(decided, this.options);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      logger.warn("a transaction can't be ended now", { id: entry.id, error: error.message });
      entry.timer?.cancel();
      entry.timer = clock.after(RETRY_MS, () => this.retry(entry));
      return false;
    }
    const { transaction } = step(entry.id, decided, { kind: "ended" }, clock.nowMs(), this.limits);
    this.adopt(entry, transaction as Transaction);
    // Nobody has to wait for that: a crash before it has the same carried out again, and finds it done.
    store.put(transaction as Transaction).catch((error: unknown) => {
      if (!(error instanceof VoikError)) throw error;
    });
    return true;
  }

  private retry(entry: Entry): void {
    if (this.stopping) return;
    void this.inLine(entry, async () => {
      if (entry.transaction && isEnding(entry.transaction)) await this.finish(entry);
    });
  }

  /** It counts from now on. */
  private adopt(entry: Entry, transaction: Transaction): void {
    const begins = transaction.phase === "ongoing" && entry.transaction?.phase !== "ongoing";
    entry.transaction = transaction;
    if (!begins && transaction.phase === "ongoing") return;
    entry.timer?.cancel();
    entry.timer = begins ? this.expireIn(entry, transaction.timeoutMs) : undefined;
  }

  private expireIn(entry: Entry, delayMs: number): Timer {
    const timer = this.options.clock.after(delayMs, () => {
      if (this.stopping) return;
      void this.inLine(entry, async () => {
        // Another one may have begun while this waited in line.
        if (entry.timer !== timer) return;
        const { id } = entry;
        this.options.logger.info("a transaction took too long and is aborted", { id });
        try {
          await this.move(entry, { kind: "expire" });
        } catch (error) {
          if (!(error instanceof VoikError)) throw error;
          entry.timer = this.expireIn(entry, RETRY_MS);
        }
      });
    });
    return timer;
  }

  /** Runs `work` when everything before it of the same id is over. */
  private async inLine<T>(entry: Entry, work: () => Promise<T>): Promise<T> {
    entry.waiting++;
    const result = entry.last.then(work).finally(() => entry.waiting--);
    entry.last = result.catch(() => {});
    return result;
  }

  private entryOf(id: string): Entry {
    let entry = this.entries.get(id);
    if (entry === undefined) {
      entry = {
        id,
        transaction: undefined,
        joining: new Map(),
        gathering: undefined,
        last: Promise.resolve(),
        waiting: 0,
        timer: undefined,
      };
      this.entries.set(id, entry);
    }
    return entry;
  }

  private planSweep(delayMs = SWEEP_INTERVAL_MS): void {
    this.sweepTimer = this.options.clock.after(delayMs, () => {
      void this.sweep().finally(() => {
        if (!this.stopping) this.planSweep();
      });
    });
  }
}

/** Why nothing can be part of the transaction now, wherever it goes. */
function refusalOf(transaction: Transaction | undefined, by: Identity): TransactionFailure | undefined {
  if (transaction === undefined || transaction.producerId !== by.producerId) return "producer_unknown";
  if (!sameIdentity(transaction, by)) return "producer_fenced";
  if (isEnding(transaction)) return "ending";
  return transaction.phase === "ongoing" ? undefined : "state_invalid";
}

function isUnderWay(transaction: Transaction): boolean {
  return transaction.phase !== "empty";
}
