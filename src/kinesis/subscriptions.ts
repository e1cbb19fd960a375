/**
 * Which consumer is subscribed to which shard. AWS's rules: one subscription each; asking again within five seconds
 * of the last success is refused; after that the new one takes over and the old one ends with an error.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html
 */
import type { Shard } from "../streams/broker.ts";
import { resourceInUse } from "./errors.ts";
import type { RateWindow } from "./rate-window.ts";
import { Subscription, type SubscriptionParts } from "./subscription.ts";

const TAKEOVER_AFTER_MS = 5_000;

export class Subscriptions {
  /** The last one of each consumer and shard, kept a while after its end. */
  private readonly latest = new Map<string, Subscription>();
  private readonly active = new Set<Subscription>();

  constructor(private readonly parts: SubscriptionParts) {}

  /**
   * Throws ResourceInUseException when it is too early to subscribe `consumer` to `shard` again; `shown` names them
   * in the message.
   */
  check(consumer: string, shard: Shard, shown: string): void {
    const before = this.latest.get(keyOf(consumer, shard));
    if (before === undefined || this.ageOf(before) >= TAKEOVER_AFTER_MS) return;
    throw takenOver(shown);
  }

  /**
   * Subscribes `consumer` to `shard` from `offset` on, at most as much as `rate` allows; whoever was subscribed before
   * loses it.
   */
  open(consumer: string, shard: Shard, offset: number, shown: string, rate?: RateWindow): Subscription {
    const key = keyOf(consumer, shard);
    const subscription: Subscription = new Subscription(this.parts, shard, offset, rate, () => {
      this.active.delete(subscription);
      this.forgetLater(key, subscription);
    });
    this.latest.get(key)?.end(takenOver(shown));
    this.latest.set(key, subscription);
    this.active.add(subscription);
    return subscription;
  }

  /** Ends all subscriptions of a consumer that is no more. */
  endOf(consumer: string): void {
    for (const [key, subscription] of this.latest) {
      if (!key.startsWith(`${consumer}/`)) continue;
      this.latest.delete(key);
      subscription.end();
    }
  }

  /** Ends all, so that clients go on elsewhere or later. */
  endAll(): void {
    for (const subscription of this.active) subscription.end();
  }

  private ageOf(subscription: Subscription): number {
    return this.parts.clock.monotonicMs() - subscription.startedMs;
  }

  private forgetLater(key: string, subscription: Subscription): void {
    this.parts.clock.after(Math.max(0, TAKEOVER_AFTER_MS - this.ageOf(subscription)), () => {
      if (this.latest.get(key) === subscription) this.latest.delete(key);
    });
  }
}

function keyOf(consumer: string, shard: Shard): string {
  return `${consumer}/${shard.index}`;
}

function takenOver(shown: string): Error & ReturnType<typeof resourceInUse> {
  return resourceInUse(`Another active subscription exists for this consumer: ${shown}`);
}
