/**
 * The transitions of a transactional producer: (transaction, event, now) -> (transaction, answer), and nothing else.
 * What each event does in each phase follows Kafka's transaction coordinator, with KIP-360 (a producer goes on after an
 * error), KIP-588 (a timeout fences) and KIP-890 (a new epoch after each transaction).
 */
import {
  EPOCH_MAX,
  type Identity,
  isEnding,
  needsSpareId,
  sameIdentity,
  type Transaction,
  type TransactionAnswer,
  type TransactionEvent,
  type TransactionFailure,
  type TransactionLimits,
} from "./transaction.ts";

export interface Step {
  /** The same object when nothing has changed; undefined when there is still none. */
  readonly transaction: Transaction | undefined;
  readonly answer: TransactionAnswer;
}

type EventOf<Kind extends TransactionEvent["kind"]> = Extract<TransactionEvent, { kind: Kind }>;

const NOTHING: ReadonlySet<string> = new Set();

/** The transactional producer `id` after `event` at wall time `nowMs`. Changes nothing that it is given. */
export function step(
  id: string,
  before: Transaction | undefined,
  event: TransactionEvent,
  nowMs: number,
  limits: TransactionLimits,
): Step {
  const { transaction, answer } = move(id, before, event, nowMs, limits);
  if (transaction === before || transaction === undefined) return { transaction, answer };
  return { transaction: { ...transaction, updatedAtMs: nowMs }, answer };
}

function move(
  id: string,
  before: Transaction | undefined,
  event: TransactionEvent,
  nowMs: number,
  limits: TransactionLimits,
): Step {
  if (event.kind === "init") {
    if (event.timeoutMs <= 0 || event.timeoutMs > limits.timeoutMsMax)
      return refuse(before, "timeout_invalid");
    return before ? init(before, event) : answer(create(id, event, nowMs));
  }
  if (before === undefined) return refuse(before, "producer_unknown");
  switch (event.kind) {
    case "add":
      return add(before, event, nowMs, limits);
    case "end":
      return end(before, event);
    case "expire":
      return before.phase === "ongoing" ? later(fenceAndAbort(before, undefined)) : answer(before);
    case "ended":
      return isEnding(before) ? answer(complete(before)) : answer(before);
  }
}

function create(id: string, { spareId, timeoutMs }: EventOf<"init">, nowMs: number): Transaction {
  return {
    id,
    producerId: spareId,
    producerEpoch: 0,
    phase: "empty",
    outcome: undefined,
    previous: undefined,
    nextProducerId: undefined,
    timeoutMs,
    shards: NOTHING,
    groups: NOTHING,
    startedAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function init(before: Transaction, { known, timeoutMs, spareId }: EventOf<"init">): Step {
  const isCurrent = known !== undefined && sameIdentity(before, known);
  const asksAgain = known !== undefined && sameIdentity(before.previous, known);
  if (known !== undefined && !isCurrent && !asksAgain) return refuse(before, "producer_fenced");
  if (isEnding(before)) return later(before);
  if (before.phase === "ongoing") return later(fenceAndAbort(before, known && identityOf(before)));
  if (asksAgain && before.producerEpoch < EPOCH_MAX) return answer(before);
  // A producer that starts anew knows no identity, so none of the old ones may come back.
  return answer({ ...before, ...nextIdentity(before, spareId), previous: known, timeoutMs });
}

function add(
  before: Transaction,
  { by, shards, groups }: EventOf<"add">,
  nowMs: number,
  limits: TransactionLimits,
): Step {
  const failure = checkIdentity(before, by);
  if (failure) return refuse(before, failure);
  if (isEnding(before)) return refuse(before, "ending");
  const isNew = before.phase === "empty";
  if (!isNew && shards.every((key) => before.shards.has(key)) && groups.every((id) => before.groups.has(id)))
    return answer(before);
  const allShards = new Set([...before.shards, ...shards]);
  const allGroups = new Set([...before.groups, ...groups]);
  if (allShards.size + allGroups.size > limits.membersMax) return refuse(before, "limit_exceeded");
  return answer({
    ...before,
    phase: "ongoing",
    previous: undefined,
    shards: allShards,
    groups: allGroups,
    startedAtMs: isNew ? nowMs : before.startedAtMs,
  });
}

function end(before: Transaction, event: EventOf<"end">): Step {
  const { by, commit, bump, spareId } = event;
  const outcome = commit ? "committed" : "aborted";
  if (bump && sameIdentity(before.previous, by)) {
    // The answer was lost: it ended as it asks, or in some other way.
    const ends = before.phase === "committing" ? "committed" : "aborted";
    if (isEnding(before)) return ends === outcome ? later(before) : refuse(before, "state_invalid");
    return before.outcome === outcome ? answer(before) : refuse(before, "state_invalid");
  }
  const failure = checkIdentity(before, by);
  if (failure) return refuse(before, failure);
  if (before.phase === "ongoing") {
    const phase = commit ? "committing" : "aborting";
    if (!bump) return later({ ...before, phase });
    return later({ ...before, ...bumpedWhileEnding(before, spareId), previous: by, phase });
  }
  if (isEnding(before)) {
    // Without a bump the same identity asks again.
    const same = before.phase === "committing" ? commit : !commit;
    return same && !bump ? later(before) : refuse(before, bump ? "ending" : "state_invalid");
  }
  if (!bump) return before.outcome === outcome ? answer(before) : refuse(before, "state_invalid");
  if (commit) return refuse(before, "state_invalid");
  // Nothing was begun, as far as the broker has heard: what may be on its way is fenced.
  return answer({ ...before, ...nextIdentity(before, spareId), previous: by, outcome });
}

/** Aborts under a newer epoch, which nobody has: whoever wrote under the old one is fenced in every shard. */
function fenceAndAbort(before: Transaction, previous: Identity | undefined): Transaction {
  return { ...before, phase: "aborting", producerEpoch: before.producerEpoch + 1, previous };
}

function complete(before: Transaction): Transaction {
  const { nextProducerId } = before;
  const identity = nextProducerId === undefined ? {} : { producerId: nextProducerId, producerEpoch: 0 };
  return {
    ...before,
    ...identity,
    nextProducerId: undefined,
    phase: "empty",
    outcome: before.phase === "committing" ? "committed" : "aborted",
    shards: NOTHING,
    groups: NOTHING,
  };
}

/** The markers carry the next epoch; where that is the last one, another producer id takes over behind them. */
function bumpedWhileEnding(before: Transaction, spareId: number): Partial<Transaction> {
  const nextProducerId = needsSpareId(before) ? spareId : undefined;
  return { producerEpoch: before.producerEpoch + 1, nextProducerId };
}

function nextIdentity(before: Transaction, spareId: number): Identity {
  if (needsSpareId(before)) return { producerId: spareId, producerEpoch: 0 };
  return { producerId: before.producerId, producerEpoch: before.producerEpoch + 1 };
}

/** Whether it is who may write. */
function checkIdentity(before: Transaction, by: Identity): TransactionFailure | undefined {
  if (sameIdentity(before, by)) return undefined;
  const isKnown = by.producerId === before.producerId || by.producerId === before.previous?.producerId;
  return isKnown ? "producer_fenced" : "producer_unknown";
}

function identityOf({ producerId, producerEpoch }: Transaction): Identity {
  return { producerId, producerEpoch };
}

function answer(transaction: Transaction): Step {
  return { transaction, answer: { kind: "ok", identity: identityOf(transaction) } };
}

function later(transaction: Transaction): Step {
  return { transaction, answer: { kind: "later" } };
}

function refuse(transaction: Transaction | undefined, failure: TransactionFailure): Step {
  return { transaction, answer: { kind: "failure", failure } };
}
