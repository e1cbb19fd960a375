/**
 * How many bytes a second a client may write and read: by user where it has logged in or shown a certificate, else by
 * client id, all its connections together. Nothing is refused: a client over its rate is told how long it is
 * throttled (throttle_time_ms, KIP-219) and not read from until then.
 *
 *   allowance   grows by the rate, up to one second's worth; requests and fetched records are taken from it
 *   below zero  the client waits until it is zero again, 30 s at a time at most; the rest stays owed
 */
import { ANONYMOUS } from "../access/acl.ts";
import type { Clock } from "../base/clock.ts";
import type { Call } from "./call.ts";
import { Produce } from "./messages/00-produce.ts";
import { Fetch, type FetchResponse } from "./messages/01-fetch.ts";
import type { InputOf } from "./codec/message.ts";

const THROTTLE_MS_MAX = 30_000;
const CLIENTS_MAX = 10_000;

interface Allowance {
  bytes: number;
  atMs: number;
}

/** One rate, kept to by each client by itself. */
export class ByteRate {
  private readonly clients = new Map<string, Allowance>();

  constructor(
    private readonly bytesPerSecond: number,
    private readonly clock: Pick<Clock, "monotonicMs">,
  ) {}

  /** Takes `bytes` from the client's allowance; the milliseconds that it has to wait now. */
  take(client: string, bytes: number): number {
    const nowMs = this.clock.monotonicMs();
    let allowance = this.clients.get(client);
    if (allowance === undefined) {
      if (this.clients.size >= CLIENTS_MAX) this.forgetOldest();
      allowance = { bytes: this.bytesPerSecond, atMs: nowMs };
      this.clients.set(client, allowance);
    }
    allowance.bytes = this.grown(allowance, nowMs) - bytes;
    allowance.atMs = nowMs;
    const waitMs = Math.ceil((-allowance.bytes / this.bytesPerSecond) * 1000);
    return Math.min(Math.max(waitMs, 0), THROTTLE_MS_MAX);
  }

  private grown({ bytes, atMs }: Allowance, nowMs: number): number {
    return Math.min(this.bytesPerSecond, bytes + ((nowMs - atMs) / 1000) * this.bytesPerSecond);
  }

  /** Half of them start anew, those heard of first. All at once, so that new client ids don't cost a walk each. */
  private forgetOldest(): void {
    for (const client of this.clients.keys()) {
      if (this.clients.size <= CLIENTS_MAX / 2) break;
      this.clients.delete(client);
    }
  }
}

/** The two rates; Infinity for none. */
export class ByteRates {
  private readonly produce: ByteRate | undefined;
  private readonly fetch: ByteRate | undefined;

  constructor(produceBytesPerSecond: number, fetchBytesPerSecond: number, clock: Pick<Clock, "monotonicMs">) {
    const rateOf = (rate: number) => (rate === Infinity ? undefined : new ByteRate(rate, clock));
    this.produce = rateOf(produceBytesPerSecond);
    this.fetch = rateOf(fetchBytesPerSecond);
  }

  /** Takes what a call has cost; the milliseconds for which its client is to be throttled. */
  throttleMsOf(call: Call): number {
    if (call.api.key === Produce.key) return this.produce?.take(clientOf(call), call.requestBytes) ?? 0;
    if (call.api.key !== Fetch.key || this.fetch === undefined) return 0;
    return this.fetch.take(clientOf(call), recordBytesOf(call.body as InputOf<typeof FetchResponse>));
  }
}

function clientOf({ owner, clientId }: Call): string {
  const { principal } = owner.session;
  return principal === ANONYMOUS ? `client ${clientId}` : principal;
}

function recordBytesOf({ responses }: InputOf<typeof FetchResponse>): number {
  let bytes = 0;
  for (const { partitions } of responses) {
    for (const { records } of partitions) {
      if (records !== null) bytes += Buffer.isBuffer(records) ? records.length : records.bytes;
    }
  }
  return bytes;
}
