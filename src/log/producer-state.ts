/**
 * What a shard knows of its idempotent producers (KIP-98): for each producer id its epoch, the sequence that it has come
 * to, and where its last five batches lie, which is as many as a client has in flight. So a batch that is sent again is
 * found instead of stored again, and a batch that is missing is noticed.
 *
 *   same batch as one of the last five       it is there already: answered with its old offset
 *   next sequence of the epoch               stored
 *   sequence 0 of a newer epoch              stored
 *   a producer that is not known             stored, whatever its sequence: its state may have been forgotten
 *   an older epoch                           producer_fenced
 *   older than the last five                 sequence_duplicate
 *   anything else                            sequence_out_of_order
 *
 * The marker of a transaction has no sequence; one of a newer epoch begins that epoch, at sequence 0 (KIP-890).
 *
 * The state is in memory alone. It is read back from the log's last batch headers when the first batch of a producer
 * comes, and forgotten after a day without one, or when too many others have come since.
 */
import { VoikError } from "../base/errors.ts";
import { isControl } from "./control-batch.ts";
import {
  baseOffsetOf,
  baseSequenceOf,
  lastOffsetDeltaOf,
  maxTimestampOf,
  NO_PRODUCER_ID,
  producerEpochOf,
  producerIdOf,
} from "./record-batch.ts";
import type { ProducerDescription } from "./shard-log.ts";

/** Batches that are remembered of a producer. */
const BATCHES_MAX = 5;
/** first sequence, last sequence, base offset */
const BATCH_NUMBERS = 3;
/** Sequences count to 2^31 - 1 and go on at 0. */
const SEQUENCES = 2 ** 31;
const PRODUCERS_MAX = 5_000;
const EXPIRY_MS = 24 * 3_600_000;

/** A batch is not there yet. */
export const NOT_STORED = -1;

interface Producer {
  epoch: number;
  /** Where what is known of this epoch begins: everything from there to `lastSequence` has been stored. */
  knownFrom: number;
  lastSequence: number;
  /** Largest timestamp of its last batch. */
  lastTimestampMs: number;
  /** The last batches, three numbers each, the oldest overwritten first. */
  batches: number[];
  next: number;
  /** Orders producers by their last batch. */
  usedAt: number;
  /** When the first expiry after its last batch was; Infinity until then. */
  expiryFromMs: number;
}

/** Notes the batches that the log ends with, in order. */
export type Restore = () => void;

export class ProducerStates {
  private readonly producers = new Map<number, Producer>();
  private restore: Restore | undefined;
  private uses = 0;

  constructor(restore: Restore) {
    this.restore = restore;
  }

  /** Producers that are known. */
  get size(): number {
    return this.producers.size;
  }

  /**
   * Whether `batch` may be stored: NOT_STORED, or the base offset at which it lies already. Throws VoikError
   * producer_fenced, sequence_duplicate or sequence_out_of_order.
   */
  check(batch: Buffer): number {
    const id = producerIdOf(batch);
    if (id <= NO_PRODUCER_ID) return NOT_STORED;
    this.restoreOnce();
    const producer = this.producers.get(id);
    if (producer === undefined || isControl(batch)) return NOT_STORED;
    const epoch = producerEpochOf(batch);
    const first = baseSequenceOf(batch);
    if (epoch < producer.epoch) throw fenced(id, epoch, producer.epoch);
    if (epoch > producer.epoch) {
      if (first === 0) return NOT_STORED;
      throw outOfOrder(id, first, 0);
    }
    const stored = storedAt(producer, batch);
    if (stored !== NOT_STORED) return stored;
    const last = lastSequenceOf(first, lastOffsetDeltaOf(batch));
    const expected = sequenceAfter(producer.lastSequence);
    if (first === expected) return NOT_STORED;
    const known = distance(producer.knownFrom, expected);
    const behind = distance(first, expected);
    if (behind <= known && distance(first, last) < behind) {
      throw new VoikError("sequence_duplicate", `producer ${id}: sequence ${first} was stored long ago`);
    }
    throw outOfOrder(id, first, expected);
  }

  /** Whether `batch` is stored already, as far as is remembered. Throws what reading the log back throws. */
  holds(batch: Buffer): boolean {
    this.restoreOnce();
    const producer = this.producers.get(producerIdOf(batch));
    return producer?.epoch === producerEpochOf(batch) && storedAt(producer, batch) !== NOT_STORED;
  }

  /** The batch whose header is at `at` has been stored, at the base offset that is stamped into it. */
  note(bytes: Buffer, at = 0): void {
    const id = producerIdOf(bytes, at);
    if (id <= NO_PRODUCER_ID) return;
    const epoch = producerEpochOf(bytes, at);
    const first = baseSequenceOf(bytes, at);
    let producer = this.producers.get(id);
    if (isControl(bytes, at)) {
      if (producer && epoch > producer.epoch) begin(producer, epoch);
      return;
    }
    if (producer === undefined) {
      if (this.producers.size >= PRODUCERS_MAX) this.forgetOldest();
      const nothing = { lastSequence: -1, lastTimestampMs: -1, next: 0, usedAt: 0, expiryFromMs: Infinity };
      this.producers.set(id, (producer = { epoch, knownFrom: first, batches: [], ...nothing }));
    } else if (epoch !== producer.epoch) {
      begin(producer, epoch);
      producer.knownFrom = first;
    }
    producer.lastSequence = lastSequenceOf(first, lastOffsetDeltaOf(bytes, at));
    producer.lastTimestampMs = maxTimestampOf(bytes, at);
    producer.batches[producer.next] = first;
    producer.batches[producer.next + 1] = producer.lastSequence;
    producer.batches[producer.next + 2] = baseOffsetOf(bytes, at);
    producer.next = (producer.next + BATCH_NUMBERS) % (BATCHES_MAX * BATCH_NUMBERS);
    producer.usedAt = ++this.uses;
    producer.expiryFromMs = Infinity;
  }

  /** What is known of each. */
  describe(): ProducerDescription[] {
    this.restoreOnce();
    return [...this.producers].map(([producerId, { epoch, lastSequence, lastTimestampMs }]) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence,
      lastTimestampMs,
    }));
  }

  /** Forgets every producer: what comes next in the log does not follow from what was read. */
  clear(): void {
    this.producers.clear();
  }

  /**
   * Forgets producers without a batch since this was called a day ago or earlier; call it now and then. `monotonicMs` is
   * of the clock that never steps: a wall clock that is set ahead would forget all of them at once.
   */
  expire(monotonicMs: number): void {
    for (const [id, producer] of this.producers) {
      if (producer.expiryFromMs === Infinity) producer.expiryFromMs = monotonicMs;
      else if (monotonicMs - producer.expiryFromMs >= EXPIRY_MS) this.producers.delete(id);
    }
  }

  private restoreOnce(): void {
    const { restore } = this;
    if (restore === undefined) return;
    try {
      restore();
      this.restore = undefined;
    } catch (error) {
      // Half of it is worse than none: what comes next asks again.
      this.producers.clear();
      throw error;
    }
  }

  /** Makes room for a quarter more. */
  private forgetOldest(): void {
    const uses = [...this.producers.values()].map(({ usedAt }) => usedAt).sort((a, b) => a - b);
    const limit = uses[PRODUCERS_MAX >> 2] as number;
    for (const [id, { usedAt }] of this.producers) if (usedAt < limit) this.producers.delete(id);
  }
}

/** The base offset of `batch`, of its producer's epoch, if it is one of the last that were stored; else NOT_STORED. */
function storedAt({ batches }: Producer, batch: Buffer): number {
  const first = baseSequenceOf(batch);
  const last = lastSequenceOf(first, lastOffsetDeltaOf(batch));
  for (let i = 0; i < batches.length; i += BATCH_NUMBERS) {
    if (batches[i] === first && batches[i + 1] === last) return batches[i + 2] as number;
  }
  return NOT_STORED;
}

/** `producer` goes on in a new epoch, of which nothing is stored yet. */
function begin(producer: Producer, epoch: number): void {
  producer.epoch = epoch;
  producer.knownFrom = 0;
  producer.lastSequence = -1;
  producer.batches.length = producer.next = 0;
}

function lastSequenceOf(first: number, lastOffsetDelta: number): number {
  return (first + lastOffsetDelta) % SEQUENCES;
}

function sequenceAfter(sequence: number): number {
  return sequence === SEQUENCES - 1 ? 0 : sequence + 1;
}

/** Steps from one sequence forward to another. */
function distance(from: number, to: number): number {
  return (to - from + SEQUENCES) % SEQUENCES;
}

function fenced(id: number, epoch: number, current: number): VoikError {
  return new VoikError("producer_fenced", `producer ${id}: epoch ${epoch} is over, it is at ${current}`);
}

function outOfOrder(id: number, sequence: number, expected: number): VoikError {
  return new VoikError(
    "sequence_out_of_order",
    `producer ${id}: sequence ${sequence} came, ${expected} should`,
  );
}
