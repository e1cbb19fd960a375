/**
 * One SubscribeToShard: events as records become durable, an empty one when nothing came for a while, until five
 * minutes are over, the shard ends, or something ends it. Frames are made when the client takes them, one at a time:
 * a slow client holds one event in memory and no more, and goes on reading the log where it was.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { TailListener } from "../log/shard-log.ts";
import type { Broker, Shard, ShardsListener } from "../streams/broker.ts";
import { KinesisError, notFound, toKinesisError } from "./errors.ts";
import { exceptionFrame, initialResponseFrame } from "./event-stream.ts";
import type { KinesisMetrics } from "./kinesis-metrics.ts";
import type { RateWindow } from "./rate-window.ts";
import type { ReadTurns } from "./read-turns.ts";
import type { ShardEvent, ShardEvents } from "./shard-events.ts";
import { shardIdOf } from "./shard-view.ts";

/** AWS ends every subscription after five minutes. */
const LIFE_MS = 300_000;
/** AWS sends something every five seconds; clients give up after ten. */
export const HEARTBEAT_MS = 4_500;
export interface SubscriptionParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly metrics: KinesisMetrics;
  readonly shardEvents: ShardEvents;
  readonly readTurns: ReadTurns;
}

export class Subscription implements TailListener, ShardsListener {
  readonly startedMs: number;
  private stopped = false;
  private reason: KinesisError | undefined;
  private woken = false;
  /** Waits for its rate: what comes meanwhile is read afterwards. */
  private paced = false;
  private wake: (() => void) | undefined;

  /**
   * From `offset` of `shard` on, at most as much as `rate` allows; `onEnd` is called once, when the last frame was taken
   * or the client has left.
   */
  constructor(
    private readonly parts: SubscriptionParts,
    readonly shard: Shard,
    private offset: number,
    private readonly rate: RateWindow | undefined,
    private readonly onEnd: () => void,
  ) {
    this.startedMs = parts.clock.monotonicMs();
  }

  onDurableEnd(): void {
    if (!this.paced) this.wakeUp();
  }

  onShardsChanged(): void {
    if (!this.paced) this.wakeUp();
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
      const event = await this.parts.readTurns.run(this.read);
      if (event === undefined) return;
      const news = event.nextOffset > this.offset;
      this.offset = event.nextOffset;
      if (news || event.ended || !heard) yield event.frame;
      if (event.ended) return;
      if (news) yield* this.pace(event);
      heard = news || (await this.somethingHappens());
    }
  }

  /** The next records; undefined when the subscription has ended, or ends because there is nothing to read from. */
  private readonly read = (): ShardEvent | undefined => {
    const { broker, shardEvents, metrics } = this.parts;
    if (this.stopped) return undefined;
    if (broker.streamById(this.shard.stream.id) === undefined) {
      this.end(this.gone());
      return undefined;
    }
    try {
      const event = shardEvents.next(this.shard, this.offset);
      this.parts.readTurns.took(event.dataBytes);
      metrics.recordsOut.add(event.records);
      metrics.bytesOut.add(event.dataBytes);
      return event;
    } catch (error) {
      const told = toKinesisError(error);
      if (told === undefined) throw error;
      this.end(new KinesisError("InternalFailureException", told.message));
      return undefined;
    }
  };

  /** Waits until the rate allows more after `event`; a long wait is no silence. */
  private async *pace(event: ShardEvent): AsyncGenerator<Uint8Array> {
    if (this.rate === undefined) return;
    const { clock, shardEvents } = this.parts;
    this.rate.take(event.dataBytes, clock.monotonicMs());
    this.paced = true;
    for (;;) {
      const restMs = this.rate.restMs(clock.monotonicMs());
      if (restMs === 0 || this.stopped) break;
      const woken = await this.wakesWithin(Math.min(restMs, HEARTBEAT_MS));
      if (!woken && restMs > HEARTBEAT_MS) yield shardEvents.pause(this.shard, event);
    }
    this.paced = false;
  }

  /** False when nothing did until the heartbeat was due. */
  private somethingHappens(): Promise<boolean> {
    return this.woken ? Promise.resolve(true) : this.wakesWithin(HEARTBEAT_MS);
  }

  /** False when nothing woke it for `ms`. */
  private wakesWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer: Timer = this.parts.clock.after(ms, () => {
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
