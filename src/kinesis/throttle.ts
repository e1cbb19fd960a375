/**
 * AWS's throughput and call limits, for people who test how their programs meet them (--kinesis-limits=aws; without
 * it there is no Throttle). A shard takes 1 MiB and 1,000 records a second, and gives 2 MiB and five replies a second;
 * operations have the rates of call-rates.ts. Nothing of it is kept over a restart, and counting allocates nothing per
 * record.
 */
import type { Clock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Admission, Broker, Shard, Stream } from "../streams/broker.ts";
import { CALL_RATES, CHANGES_PER_DAY, type DailyChange } from "./call-rates.ts";
import type { Caller } from "./caller.ts";
import { KinesisError, throughputExceeded } from "./errors.ts";
import { RateWindow } from "./rate-window.ts";
import { shardIdOf } from "./shard-view.ts";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const SUBSCRIPTIONS_PER_SECOND = 5;
/** Windows of streams that are gone are forgotten once there are so many. */
const WINDOWS_MAX = 10_000;

class ShardRates {
  readonly bytesIn = new RateWindow(MIB);
  readonly recordsIn = new RateWindow(1000);
  readonly bytesOut = new RateWindow(2 * MIB);
  readonly reads = new RateWindow(5);
  readonly iterators = new RateWindow(5);
}

export class Throttle {
  private readonly shards = new WeakMap<Shard, ShardRates>();
  private readonly windows = new Map<string, RateWindow>();

  constructor(
    private readonly clock: Clock,
    private readonly broker: Broker,
  ) {}

  /** Counts a call; `body` is the decoded request, not checked yet. Throws LimitExceededException. */
  takeCall(operation: string, body: unknown, caller: Caller): void {
    const rate = Object.hasOwn(CALL_RATES, operation) ? CALL_RATES[operation] : undefined;
    if (rate === undefined) return;
    const stream = rate.of === "stream" ? this.streamIn(body) : undefined;
    const key = `${operation}/${stream?.id ?? caller.accountId}`;
    const what = stream === undefined ? "" : `stream ${stream.name} under `;
    this.takeOne(
      key,
      rate.perSecond,
      1000,
      () => `Rate exceeded for ${what}account ${caller.accountId}. ${operation}: ${rate.perSecond} a second.`,
    );
  }

  /** Counts a change that a stream may have only so often in 24 hours. Throws LimitExceededException. */
  takeChange(change: DailyChange, stream: Stream, caller: Caller): void {
    const perDay = CHANGES_PER_DAY[change];
    this.takeOne(
      `day/${change}/${stream.id}`,
      perDay,
      DAY_MS,
      () =>
        `${change} can be called ${perDay} times in 24 hours for stream ${stream.name} ` +
        `under account ${caller.accountId}.`,
    );
  }

  /** Counts a subscription of a consumer to a shard. Throws LimitExceededException. */
  takeSubscription(consumer: string, shard: Shard, { accountId }: Caller): void {
    const key = `SubscribeToShard/${consumer}/${shard.index}`;
    this.takeOne(key, SUBSCRIPTIONS_PER_SECOND, 1000, () => rateExceeded(shard, accountId));
  }

  /** What one subscription of a consumer to a shard may be sent. */
  subscriptionRate(): RateWindow {
    return new RateWindow(2 * MIB);
  }

  /** Counts a GetShardIterator. Throws ProvisionedThroughputExceededException. */
  takeIterator(shard: Shard, { accountId }: Caller): void {
    const { iterators } = this.ratesOf(shard);
    const nowMs = this.clock.monotonicMs();
    if (!iterators.allows(1, nowMs)) throw throughputExceeded(rateExceeded(shard, accountId));
    iterators.take(1, nowMs);
  }

  /** Counts a GetRecords; what it gives is counted by `tookBytes`. Throws ProvisionedThroughputExceededException. */
  takeRead(shard: Shard, { accountId }: Caller): void {
    const { reads, bytesOut } = this.ratesOf(shard);
    const nowMs = this.clock.monotonicMs();
    if (!reads.allows(1, nowMs) || !bytesOut.allows(0, nowMs))
      throw throughputExceeded(rateExceeded(shard, accountId));
    reads.take(1, nowMs);
  }

  tookBytes(shard: Shard, bytes: number): void {
    this.ratesOf(shard).bytesOut.take(bytes, this.clock.monotonicMs());
  }

  /** Counts what `caller` writes, a record at a time; one over its shard's rate fails with limit_exceeded. */
  admission({ accountId }: Caller): Admission {
    return (shard, bytes) =>
      this.takeWrite(shard, bytes)
        ? undefined
        : new VoikError("limit_exceeded", rateExceeded(shard, accountId));
  }

  /** Counts a record to be written, of `bytes` with its key; false when the shard takes no more now. */
  private takeWrite(shard: Shard, bytes: number): boolean {
    const { bytesIn, recordsIn } = this.ratesOf(shard);
    const nowMs = this.clock.monotonicMs();
    if (!bytesIn.allows(bytes, nowMs) || !recordsIn.allows(1, nowMs)) return false;
    bytesIn.take(bytes, nowMs);
    recordsIn.take(1, nowMs);
    return true;
  }

  private ratesOf(shard: Shard): ShardRates {
    let rates = this.shards.get(shard);
    if (rates === undefined) this.shards.set(shard, (rates = new ShardRates()));
    return rates;
  }

  private takeOne(key: string, measure: number, windowMs: number, message: () => string): void {
    const nowMs = this.clock.monotonicMs();
    let window = this.windows.get(key);
    if (window === undefined) {
      if (this.windows.size >= WINDOWS_MAX) this.forgetOver(nowMs);
      this.windows.set(key, (window = new RateWindow(measure, windowMs)));
    }
    if (!window.allows(1, nowMs)) throw new KinesisError("LimitExceededException", message());
    window.take(1, nowMs);
  }

  private forgetOver(nowMs: number): void {
    for (const [key, window] of this.windows) if (window.isOver(nowMs)) this.windows.delete(key);
  }

  /** The stream that a request names in any of the members that name one. */
  private streamIn(body: unknown): Stream | undefined {
    if (typeof body !== "object" || body === null) return undefined;
    const { StreamName, StreamARN, ConsumerARN, ResourceARN } = body as Record<string, unknown>;
    if (typeof StreamName === "string") return this.broker.streamByName(StreamName);
    for (const arn of [StreamARN, ConsumerARN, ResourceARN]) {
      const name = typeof arn === "string" ? /:stream\/([^/]{1,128})/.exec(arn)?.[1] : undefined;
      if (name !== undefined) return this.broker.streamByName(name);
    }
    return undefined;
  }
}

/** AWS's text for a shard that is asked too much (API_PutRecords). */
export function rateExceeded(shard: Shard, accountId: string): string {
  return `Rate exceeded for shard ${shardIdOf(shard.index)} in stream ${shard.stream.name} under account ${accountId}.`;
}
