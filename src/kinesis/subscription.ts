/**
 * One SubscribeToShard: events as records become durable, an empty one when nothing came for a while, until five
 * minutes are over, the shard ends, or something ends it. Frames are made when the client takes them, one at a time:
 * a slow client holds one event in memory and no more, and goes on reading the log where it was.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { TailListener } from "../log/shard-log.ts";
import type { Broker, Shard, ShardsListener } from "../streams/broker.ts";
import { sequenceNumber } from "../streams/sequence-number.ts";
import { jsonFormat } from "./body.ts";
import { KinesisError, notFound } from "./errors.ts";
import { eventFrame, exceptionFrame, initialResponseFrame } from "./event-stream.ts";
import type { KinesisMetrics } from "./kinesis-metrics.ts";
import { GET_RECORDS_MAX } from "./members.ts";
import type { OpenBatches } from "./open-batches.ts";
import { millisBehindLatest, type ReadRecords, readRecords } from "./record-read.ts";
import { childShardViews, shardIdOf } from "./stream-view.ts";

/** AWS ends every subscription after five minutes. */
const LIFE_MS = 300_000;
/** AWS sends something every five seconds; clients give up after ten. */
export const HEARTBEAT_MS = 4_500;
/** Data of one event. */
const EVENT_BYTES_MAX = 1024 * 1024;

export interface SubscriptionParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly metrics: KinesisMetrics;
  readonly openBatches: OpenBatches;
}

export class Subscription implements TailListener, ShardsListener {
  readonly startedMs: number;
  private stopped = false;
  private reason: KinesisError | undefined;
  private woken = false;
  private wake: (() => void) | undefined;

  /** From `offset` of `shard` on; `onEnd` is called once, when the last frame was taken or the client has left. */
  constructor(
    private readonly parts: SubscriptionParts,
    readonly shard: Shard,
    private offset: number,
    private readonly onEnd: () => void,
  ) {
    this.startedMs = parts.clock.monotonicMs();
  }

  onDurableEnd(): void {
    this.wakeUp();
  }

  onShardsChanged(): void {
    this.wakeUp();
  }

  /** Ends it after what the client has taken; with a reason, that is its last frame. */
  end(reason?: KinesisError): void {
    if (this.stopped) return;
    this.stopped = true;
    this.reason = reason;
    this.wakeUp();
  }

  /** To be taken once. */
  async *frames(): AsyncGenerator<Uint8Array> {
    const { log, stream } = this.shard;
    log.addTailListener(this);
    stream.addShardsListener(this);
    const life = this.parts.clock.after(LIFE_MS, () => this.end());
    try {
      yield initialResponseFrame();
      yield* this.events();
      if (this.reason !== undefined) yield exceptionFrame(this.reason);
    } finally {
      this.stopped = true;
      life.cancel();
      log.removeTailListener(this);
      stream.removeShardsListener(this);
      this.onEnd();
    }
  }

  private async *events(): AsyncGenerator<Uint8Array> {
    let heard = true;
    while (!this.stopped) {
      this.woken = false;
      if (this.parts.broker.streamById(this.shard.stream.id) === undefined) return this.end(this.gone());
      const read = this.read();
      if (read === undefined) return;
      const news = read.nextOffset > this.offset || read.records.count > 0;
      this.offset = read.nextOffset;
      const ended = this.endOfShard();
      if (news || ended || !heard) yield this.eventOf(read, ended);
      if (ended) return;
      heard = news || (await this.somethingHappens());
    }
  }

  /** The next records; undefined when reading failed and ends the subscription. */
  private read(): ReadRecords | undefined {
    const { openBatches, metrics } = this.parts;
    try {
      const from = Math.max(this.offset, this.shard.log.startOffset);
      const limits = { recordsMax: GET_RECORDS_MAX, bytesMax: EVENT_BYTES_MAX };
      const read = readRecords(this.shard, from, limits, jsonFormat, openBatches);
      metrics.recordsOut.add(read.records.count);
      metrics.bytesOut.add(read.dataBytes);
      return read;
    } catch (error) {
      if (!(error instanceof VoikError || error instanceof KinesisError)) throw error;
      this.end(new KinesisError("InternalFailureException", error.message));
      return undefined;
    }
  }

  private endOfShard(): boolean {
    const { shard } = this;
    return (
      shard.closedAtMs !== undefined &&
      this.offset >= shard.log.endOffset &&
      shard.stream.shards.some((other) => other.parents.includes(shard.index))
    );
  }

  private eventOf(read: ReadRecords, ended: boolean): Buffer {
    const payload = read.records.close({
      // AFTER it the next subscription goes on; before the first record it is the shard's starting number.
      ContinuationSequenceNumber: ended ? undefined : sequenceNumber(this.shard, this.offset - 1),
      MillisBehindLatest: millisBehindLatest(read, this.shard, this.parts.clock.nowMs()),
      ChildShards: ended ? childShardViews(this.shard) : undefined,
    });
    return eventFrame("SubscribeToShardEvent", jsonFormat.encode(payload));
  }

  /** False when nothing did until the heartbeat was due. */
  private somethingHappens(): Promise<boolean> {
    if (this.woken) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer: Timer = this.parts.clock.after(HEARTBEAT_MS, () => {
        this.wake = undefined;
        resolve(false);
      });
      this.wake = () => {
        this.wake = undefined;
        timer.cancel();
        resolve(true);
      };
    });
  }

  private wakeUp(): void {
    this.woken = true;
    this.wake?.();
  }

  private gone(): KinesisError {
    return notFound(`Shard ${shardIdOf(this.shard.index)} in a deleted stream does not exist`);
  }
}
