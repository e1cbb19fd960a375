/**
 * The coordinator over logs in memory and its real database: what a crash leaves is carried out at the next start, what
 * the disk refuses is tried again, ids that nobody uses are forgotten, and what belongs to nobody is aborted.
 */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VoikError } from "../../src/base/errors.ts";
import type { Stream } from "../../src/streams/broker.ts";
import { type CoordinatorLimits, TransactionCoordinator } from "../../src/transactions/coordinator.ts";
import { type Identity, shardKey } from "../../src/transactions/transaction.ts";
import { isFailure } from "../../src/transactions/transactions.ts";
import { openTestGroups, type TestGroups } from "../helpers/groups.ts";
import { appendDurably, batchOf } from "../helpers/log.ts";
import { type MemoryBroker, memoryLogOf, openMemoryBroker } from "../helpers/memory-broker.ts";
import { SETTLING_MS } from "../../src/log/clock-steps.ts";
import type { MemoryLog } from "../helpers/memory-log.ts";
import { inTransaction } from "../helpers/producers.ts";
import { TimerClock } from "../helpers/timer-clock.ts";
import { openTestTransactions, type TestTransactions } from "../helpers/transactions.ts";

class Setup {
  readonly clock = new TimerClock();
  readonly folder = mkdtempSync(join(tmpdir(), "voik-transactions-"));
  memory!: MemoryBroker;
  groups!: TestGroups;
  stream!: Stream;
  private opened!: TestTransactions;

  constructor(private readonly limits: Partial<CoordinatorLimits>) {}

  static async make(limits: Partial<CoordinatorLimits> = {}): Promise<Setup> {
    const setup = new Setup(limits);
    setup.memory = await openMemoryBroker();
    setup.groups = await openTestGroups();
    setup.stream = await setup.memory.broker.createStream({ name: "s", shardCount: 2 });
    await setup.open();
    return setup;
  }

  get transactions(): TransactionCoordinator {
    return this.opened.transactions;
  }

  async open(): Promise<void> {
    const { folder, clock, limits } = this;
    const { broker } = this.memory;
    this.opened = await openTestTransactions({ broker, groups: this.groups.groups, folder, clock, limits });
  }

  /** Ends the coordinator as a crash does, between two events, and starts it again. */
  async restart(): Promise<void> {
    await this.opened.close();
    await this.open();
  }

  log(index: number): MemoryLog {
    return memoryLogOf(this.stream.shards[index] as never);
  }

  key(index: number): string {
    return shardKey(this.stream.id, index);
  }

  async begin(id: string, shards: number[], timeoutMs = 60_000): Promise<Identity> {
    const by = identity(await this.transactions.init(id, undefined, timeoutMs));
    const keys = shards.map((index) => this.key(index));
    identity(await this.transactions.add(id, by, keys, []));
    for (const index of shards) await this.write(index, by, 0);
    return by;
  }

  async write(index: number, { producerId, producerEpoch }: Identity, sequence: number): Promise<void> {
    await appendDurably(this.log(index), inTransaction(batchOf(["x"]), producerId, producerEpoch, sequence));
  }

  async close(): Promise<void> {
    await this.opened.close();
    await this.groups.close();
    await this.memory.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let setup: Setup;
afterEach(() => setup.close());

function identity(result: Awaited<ReturnType<TransactionCoordinator["init"]>>): Identity {
  if (isFailure(result)) throw new Error(result);
  return result;
}

const offsetsOf = (streamId: string, offset: number) => [
  { streamId, shard: 0, offset, leaderEpoch: -1, metadata: "" },
];
const NOBODY = { memberId: "", instanceId: null, generation: -1 };

test("a decision is durable before a marker is written, and answered when all markers are", async () => {
  setup = await Setup.make();
  const by = await setup.begin("t", [0, 1]);
  setup.log(1).hold();
  let answered = false;
  const ending = setup.transactions.end("t", by, true, false).finally(() => (answered = true));
  while (setup.log(1).endOffset === 1) await Bun.sleep(1);
  while (setup.log(0).stableEnd !== 2) await Bun.sleep(1);
  expect(setup.transactions.describe("t")?.phase).toBe("committing");
  expect([setup.log(1).stableEnd, answered]).toEqual([0, false]);
  setup.log(1).release();
  identity(await ending);
  expect(setup.log(1).stableEnd).toBe(2);
});

test.each([true, false])(
  "a crash between the decision and the markers changes nothing of it (commit: %p)",
  async (commit) => {
    setup = await Setup.make();
    const by = await setup.begin("t", [0, 1]);
    identity(await setup.transactions.add("t", by, [], ["g"]));
    await setup.groups.groups.commitPending("g", by.producerId, NOBODY, offsetsOf(setup.stream.id, 7));
    setup.log(1).appendError = new VoikError("storage_failed", "crash");
    expect(await setup.transactions.end("t", by, commit, false)).toBe("ending");
    expect(setup.log(1).isOpen(by.producerId)).toBe(true);
    setup.log(1).appendError = undefined;
    await setup.restart();
    expect(setup.log(1).stableEnd).toBe(2);
    expect(setup.log(0).endOffset).toBe(2); // its marker was there, and is not written twice
    expect(setup.log(1).abortedIn(0, 9).length).toBe(commit ? 0 : 1);
    const committed = await setup.groups.groups.committed("g", null);
    expect(committed.map(({ offset }) => offset)).toEqual(commit ? [7] : []);
    expect(setup.groups.groups.pending.producers()).toEqual([]);
    expect(setup.transactions.describe("t")).toMatchObject({
      phase: "empty",
      outcome: commit ? "committed" : "aborted",
    });
  },
);

test("an open transaction goes on after a crash, and has its whole time again", async () => {
  setup = await Setup.make();
  const by = await setup.begin("t", [0], 10_000);
  setup.clock.pass(9_000);
  await setup.restart();
  setup.clock.pass(9_000);
  expect(setup.transactions.refusal("t", by, setup.key(0))).toBeUndefined();
  await setup.write(0, by, 1);
  identity(await setup.transactions.end("t", by, true, false));
  expect(setup.log(0).stableEnd).toBe(3);
});

test("an open transaction whose producer does not come back is aborted after a crash too", async () => {
  setup = await Setup.make();
  await setup.begin("t", [0], 10_000);
  await setup.restart();
  setup.clock.pass(10_000);
  while (setup.transactions.describe("t")?.phase !== "empty") await Bun.sleep(1);
  expect(setup.log(0).abortedIn(0, 9).length).toBe(1);
});

test("what the disk refuses is tried again until it is done, and meanwhile the answer is to wait", async () => {
  setup = await Setup.make();
  const by = await setup.begin("t", [0]);
  setup.log(0).appendError = new VoikError("disk_full", "the disk is full");
  expect(await setup.transactions.end("t", by, true, false)).toBe("ending");
  expect(await setup.transactions.add("t", by, [setup.key(1)], [])).toBe("ending");
  expect(setup.transactions.refusal("t", by, setup.key(0))).toBe("ending");
  setup.clock.pass(1_000);
  await Bun.sleep(5);
  expect(setup.log(0).stableEnd).toBe(0);
  setup.log(0).appendError = undefined;
  setup.clock.pass(1_000);
  while (setup.log(0).stableEnd !== 2) await Bun.sleep(1);
  identity(await setup.transactions.end("t", by, true, false)); // asked again: it was committed
  identity(await setup.transactions.add("t", by, [setup.key(1)], []));
});

test("a deleted stream holds up no end", async () => {
  setup = await Setup.make();
  const by = await setup.begin("t", [0, 1]);
  const { broker } = setup.memory;
  const other = await broker.createStream({ name: "gone", shardCount: 1 });
  identity(await setup.transactions.add("t", by, [shardKey(other.id, 0)], []));
  await broker.deleteStream("gone");
  identity(await setup.transactions.end("t", by, true, false));
  expect(setup.log(0).stableEnd).toBe(2);
});

test("ids that nobody uses are forgotten after their time, those with a transaction under way never", async () => {
  setup = await Setup.make({ idRetentionMs: 1_000, idsMax: 2, timeoutMsMax: 2 * SETTLING_MS });
  await setup.begin("open", [0], 2 * SETTLING_MS);
  identity(await setup.transactions.init("unused", undefined, 1_000));
  expect(await setup.transactions.init("one too many", undefined, 1_000)).toBe("limit_exceeded");
  setup.clock.pass(1_001);
  await setup.transactions.sweep();
  expect(setup.transactions.list().length).toBe(2); // voik has not run for long enough to trust the clock
  setup.clock.pass(SETTLING_MS);
  await setup.transactions.sweep();
  expect(setup.transactions.list().map(({ id }) => id)).toEqual(["open"]);
  await setup.restart();
  expect(setup.transactions.list().map(({ id }) => id)).toEqual(["open"]);
  identity(await setup.transactions.init("one too many", undefined, 1_000));
});

test("what is open in a shard or pending in a group and belongs to nobody is aborted", async () => {
  setup = await Setup.make();
  const known = await setup.begin("known", [0]);
  const stray = { producerId: 999, producerEpoch: 3 };
  await setup.write(0, stray, 0);
  await setup.write(1, known, 0); // not a shard that its transaction has taken in
  await setup.groups.groups.commitPending("g", stray.producerId, NOBODY, offsetsOf(setup.stream.id, 7));
  await setup.transactions.sweep();
  expect(
    setup
      .log(0)
      .openTransactions()
      .map(({ producerId }) => producerId),
  ).toEqual([known.producerId]);
  expect(setup.log(1).openTransactions()).toEqual([]);
  expect(setup.groups.groups.pending.producers()).toEqual([]);
  expect(await setup.groups.groups.committed("g", null)).toEqual([]);
});

test("many producers at once, with restarts in between: each shard ends up settled, each commit whole", async () => {
  setup = await Setup.make();
  for (let round = 0; round < 5; round++) {
    const running = Array.from({ length: 20 }, async (_, i) => {
      const id = `p${i}`;
      const by = identity(await setup.transactions.init(id, undefined, 60_000));
      identity(await setup.transactions.add(id, by, [setup.key(0), setup.key(1)], []));
      await setup.write(0, by, 0);
      await setup.write(1, by, 0);
      if (i % 3 === 0) return; // left open: the next start of the producer aborts it
      identity(await setup.transactions.end(id, by, i % 3 === 1, i % 2 === 0));
    });
    await Promise.all(running);
    await setup.restart();
  }
  for (let i = 0; i < 20; i += 3) identity(await setup.transactions.init(`p${i}`, undefined, 60_000));
  for (const index of [0, 1]) {
    expect(setup.log(index).stableEnd).toBe(setup.log(index).endOffset);
    expect(setup.log(index).abortedIn(0, Infinity).length).toBe(5 * 13);
  }
});

test("a coordinator that stops answers what is under way and takes no more", async () => {
  setup = await Setup.make();
  const by = await setup.begin("t", [0]);
  const ending = setup.transactions.end("t", by, true, false);
  const stopping = setup.transactions.stop();
  identity(await ending);
  await stopping;
  expect(await setup.transactions.init("u", undefined, 1_000)).toBe("unavailable");
});
