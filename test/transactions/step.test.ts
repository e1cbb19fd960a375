/** The transitions of a transactional producer, exhaustively: what every event is answered in every phase, and what then. */
import { describe, expect, test } from "bun:test";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { step } from "../../src/transactions/step.ts";
import type {
  Identity,
  Transaction,
  TransactionEvent,
  TransactionLimits,
} from "../../src/transactions/transaction.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const LIMITS: TransactionLimits = { timeoutMsMax: 900_000, membersMax: 5 };
const NOW_MS = 1_000;
const SPARE = 77;
const ME: Identity = { producerId: 7, producerEpoch: 3 };
const OLD: Identity = { producerId: 7, producerEpoch: 2 };
const STRANGER: Identity = { producerId: 8, producerEpoch: 3 };

const EMPTY: Transaction = {
  ...ME,
  id: "t",
  phase: "empty",
  outcome: undefined,
  previous: undefined,
  nextProducerId: undefined,
  timeoutMs: 60_000,
  shards: new Set(),
  groups: new Set(),
  startedAtMs: 0,
  updatedAtMs: 0,
};
const ONGOING: Transaction = {
  ...EMPTY,
  phase: "ongoing",
  shards: new Set(["s/0"]),
  groups: new Set(["g"]),
  startedAtMs: 5,
};

/** Everything that a transactional id can be in, by the names of the columns below. */
const STATES = {
  none: undefined,
  empty: EMPTY,
  committed: { ...EMPTY, outcome: "committed" },
  aborted: { ...EMPTY, outcome: "aborted" },
  ongoing: ONGOING,
  committing: { ...ONGOING, phase: "committing" },
  aborting: { ...ONGOING, phase: "aborting" },
} satisfies Record<string, Transaction | undefined>;
type StateName = keyof typeof STATES;

const init = (known?: Identity, timeoutMs = 60_000): TransactionEvent => ({
  kind: "init",
  known,
  timeoutMs,
  spareId: SPARE,
});
const add = (by: Identity, shards = ["s/1"], groups: string[] = []): TransactionEvent => ({
  kind: "add",
  by,
  shards,
  groups,
});
const end = (by: Identity, commit: boolean, bump = false): TransactionEvent => ({
  kind: "end",
  by,
  commit,
  bump,
  spareId: SPARE,
});

/** `answer -> phase id:epoch`; an answer is ok, later, or the failure. */
function outcomeOf(before: Transaction | undefined, event: TransactionEvent): string {
  const frozen = structuredClone(before);
  const { transaction, answer } = step("t", before, event, NOW_MS, LIMITS);
  expect(before).toEqual(frozen);
  const said = answer.kind === "failure" ? answer.failure : answer.kind;
  if (answer.kind === "ok") {
    expect(answer.identity).toEqual({
      producerId: transaction?.producerId ?? -1,
      producerEpoch: transaction?.producerEpoch ?? -1,
    });
  }
  if (answer.kind === "failure") expect(transaction).toBe(before as Transaction);
  if (transaction === undefined) return said;
  if (transaction === before) return `${said} -> same`;
  expect(transaction.updatedAtMs).toBe(NOW_MS);
  const phase = transaction.phase === "empty" ? (transaction.outcome ?? "empty") : transaction.phase;
  return `${said} -> ${phase} ${transaction.producerId}:${transaction.producerEpoch}`;
}

const COLUMNS: StateName[] = ["none", "empty", "committed", "aborted", "ongoing", "committing", "aborting"];
const FENCED = ["producer_unknown", ...Array.from({ length: 6 }, () => "producer_fenced -> same")];
const UNKNOWN = ["producer_unknown", ...Array.from({ length: 6 }, () => "producer_unknown -> same")];

/** For each event: what comes of it in each column. */
const TABLE: [name: string, event: TransactionEvent, outcomes: string[]][] = [
  [
    "a producer starts",
    init(),
    [
      "ok -> empty 77:0",
      "ok -> empty 7:4",
      "ok -> committed 7:4",
      "ok -> aborted 7:4",
      "later -> aborting 7:4",
      "later -> same",
      "later -> same",
    ],
  ],
  [
    "the producer goes on after an error",
    init(ME),
    [
      "ok -> empty 77:0",
      "ok -> empty 7:4",
      "ok -> committed 7:4",
      "ok -> aborted 7:4",
      "later -> aborting 7:4",
      "later -> same",
      "later -> same",
    ],
  ],
  [
    "a fenced producer wants to go on",
    init(OLD),
    ["ok -> empty 77:0", ...Array.from({ length: 6 }, () => "producer_fenced -> same")],
  ],
  [
    "a producer that asks for too much time",
    init(undefined, 900_001),
    ["timeout_invalid", ...Array.from({ length: 6 }, () => "timeout_invalid -> same")],
  ],
  [
    "a producer that asks for no time",
    init(undefined, 0),
    ["timeout_invalid", ...Array.from({ length: 6 }, () => "timeout_invalid -> same")],
  ],
  [
    "a shard is taken in",
    add(ME),
    [
      "producer_unknown",
      "ok -> ongoing 7:3",
      "ok -> ongoing 7:3",
      "ok -> ongoing 7:3",
      "ok -> ongoing 7:3",
      "ending -> same",
      "ending -> same",
    ],
  ],
  [
    "a shard and a group that are in it already",
    add(ME, ["s/0"], ["g"]),
    [
      "producer_unknown",
      "ok -> ongoing 7:3",
      "ok -> ongoing 7:3",
      "ok -> ongoing 7:3",
      "ok -> same",
      "ending -> same",
      "ending -> same",
    ],
  ],
  [
    "more than a transaction may have",
    add(ME, ["1", "2", "3", "4", "5", "6"]),
    [
      "producer_unknown",
      "limit_exceeded -> same",
      "limit_exceeded -> same",
      "limit_exceeded -> same",
      "limit_exceeded -> same",
      "ending -> same",
      "ending -> same",
    ],
  ],
  ["a shard for a fenced producer", add(OLD), FENCED],
  ["a shard for a producer of the future", add({ ...ME, producerEpoch: 4 }), FENCED],
  ["a shard for somebody else", add(STRANGER), UNKNOWN],
  [
    "a commit",
    end(ME, true),
    [
      "producer_unknown",
      "state_invalid -> same",
      "ok -> same",
      "state_invalid -> same",
      "later -> committing 7:3",
      "later -> same",
      "state_invalid -> same",
    ],
  ],
  [
    "an abort",
    end(ME, false),
    [
      "producer_unknown",
      "state_invalid -> same",
      "state_invalid -> same",
      "ok -> same",
      "later -> aborting 7:3",
      "state_invalid -> same",
      "later -> same",
    ],
  ],
  ["a commit of a fenced producer", end(OLD, true), FENCED],
  ["a commit of somebody else", end(STRANGER, true), UNKNOWN],
  [
    "a commit that bumps",
    end(ME, true, true),
    [
      "producer_unknown",
      "state_invalid -> same",
      "state_invalid -> same",
      "state_invalid -> same",
      "later -> committing 7:4",
      "ending -> same",
      "ending -> same",
    ],
  ],
  [
    "an abort that bumps",
    end(ME, false, true),
    [
      "producer_unknown",
      "ok -> aborted 7:4",
      "ok -> aborted 7:4",
      "ok -> aborted 7:4",
      "later -> aborting 7:4",
      "ending -> same",
      "ending -> same",
    ],
  ],
  ["a bumping commit of a fenced producer", end(OLD, true, true), FENCED],
  [
    "time is up",
    { kind: "expire" },
    [
      "producer_unknown",
      "ok -> same",
      "ok -> same",
      "ok -> same",
      "later -> aborting 7:4",
      "ok -> same",
      "ok -> same",
    ],
  ],
  [
    "what was decided is done",
    { kind: "ended" },
    [
      "producer_unknown",
      "ok -> same",
      "ok -> same",
      "ok -> same",
      "ok -> same",
      "ok -> committed 7:3",
      "ok -> aborted 7:3",
    ],
  ],
];

describe.each(TABLE)("%s", (_name, event, outcomes) => {
  test.each(COLUMNS.map((name, i) => [name, outcomes[i]] as const))("%s: %s", (name, outcome) => {
    expect(outcomeOf(STATES[name] as Transaction | undefined, event)).toBe(outcome as string);
  });
});

/** Runs events one after the other, and `ended` after each that waits for it. */
function run(before: Transaction | undefined, ...events: TransactionEvent[]) {
  let transaction = before;
  let said = "";
  for (const event of events) {
    const after = step("t", transaction, event, NOW_MS, LIMITS);
    transaction = after.transaction;
    said = after.answer.kind === "failure" ? after.answer.failure : after.answer.kind;
  }
  return { transaction: transaction as Transaction, said };
}
const ENDED: TransactionEvent = { kind: "ended" };

test("an answer that was lost comes again: of a bumping end while it lasts and after, and of a producer that goes on", () => {
  const ending = run(ONGOING, end(ME, true, true)).transaction;
  expect(outcomeOf(ending, end(ME, true, true))).toBe("later -> same");
  expect(outcomeOf(ending, end(ME, false, true))).toBe("state_invalid -> same");
  const ended = run(ending, ENDED).transaction;
  expect(outcomeOf(ended, end(ME, true, true))).toBe("ok -> same");
  expect(outcomeOf(ended, end(ME, false, true))).toBe("state_invalid -> same");
  const next = run(ended, add({ producerId: 7, producerEpoch: 4 })).transaction;
  expect(outcomeOf(next, end(ME, true, true))).toBe("producer_fenced -> same");

  const resumed = run(EMPTY, init(ME)).transaction;
  expect(outcomeOf(resumed, init(ME))).toBe("ok -> same");
  const fenced = run(ONGOING, init(ME), ENDED, init(ME));
  expect([fenced.said, fenced.transaction.producerEpoch]).toEqual(["ok", 4]);
});

test("a producer that starts anew leaves no way back to the one before", () => {
  const anew = run(ONGOING, init(), ENDED, init()).transaction;
  expect(anew.producerEpoch).toBe(5);
  for (const event of [init(ME), end(ME, false), end(ME, false, true), add(ME)]) {
    expect(outcomeOf(anew, event)).toBe("producer_fenced -> same");
  }
});

test("who took too long is fenced, and comes back only as somebody new", () => {
  const expired = run(ONGOING, { kind: "expire" }, ENDED).transaction;
  expect(expired.outcome).toBe("aborted");
  for (const event of [init(ME), end(ME, true), end(ME, true, true), add(ME)]) {
    expect(outcomeOf(expired, event)).toBe("producer_fenced -> same");
  }
});

test("epochs that run out are followed by another producer id, and the last epoch is nobody's", () => {
  const last = { producerId: 7, producerEpoch: 32766 };
  expect(outcomeOf({ ...EMPTY, ...last }, init())).toBe("ok -> empty 77:0");
  expect(outcomeOf({ ...EMPTY, ...last }, end(last, false, true))).toBe("ok -> aborted 77:0");
  const ending = run({ ...ONGOING, ...last }, end(last, true, true)).transaction;
  expect(ending).toMatchObject({ phase: "committing", producerId: 7, producerEpoch: 32767 });
  const ended = run(ending, ENDED).transaction;
  expect(ended).toMatchObject({ phase: "empty", producerId: 77, producerEpoch: 0 });
  expect(outcomeOf(ended, end(last, true, true))).toBe("ok -> same");
  expect(run({ ...ONGOING, ...last }, init(), ENDED, init()).transaction).toMatchObject({ producerId: 77 });
  expect(run({ ...ONGOING, ...last }, init(last), ENDED, init(last)).transaction).toMatchObject({
    producerId: 77,
  });
});

test("whatever happens: identities only go forward, an ending one stays as decided, an empty one has no members", () => {
  const random = seededRandom(SEED);
  let transaction: Transaction | undefined;
  const seen: Identity[] = [{ producerId: 1, producerEpoch: 0 }];
  let spareId = 100;
  for (let i = 0; i < 20_000; i++) {
    const by = seen[Math.max(0, seen.length - 1 - randomBelow(random, 3))] as Identity;
    const flag = () => randomBelow(random, 2) === 0;
    const events: TransactionEvent[] = [
      { kind: "init", known: flag() ? by : undefined, timeoutMs: 1_000, spareId },
      { kind: "add", by, shards: [`s/${randomBelow(random, 3)}`], groups: flag() ? ["g"] : [] },
      { kind: "end", by, commit: flag(), bump: flag(), spareId },
      { kind: "expire" },
      { kind: "ended" },
    ];
    const event = events[randomBelow(random, events.length)] as TransactionEvent;
    const before = transaction;
    const after = step("t", before, event, i, LIMITS);
    transaction = after.transaction;
    if (transaction === undefined) continue;
    spareId = Math.max(spareId, transaction.producerId + 1);
    if (before) {
      const forward =
        transaction.producerId > before.producerId ||
        (transaction.producerId === before.producerId && transaction.producerEpoch >= before.producerEpoch);
      expect(forward).toBe(true);
      const decided = before.phase === "committing" || before.phase === "aborting";
      if (decided && event.kind !== "ended") expect(transaction).toBe(before);
    }
    expect(transaction.producerEpoch).toBeLessThanOrEqual(32767);
    if (transaction.phase === "empty") expect(transaction.shards.size + transaction.groups.size).toBe(0);
    if (after.answer.kind === "ok") seen.push(after.answer.identity);
  }
});
