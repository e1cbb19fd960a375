/**
 * How many bytes a second a client may write and read: what its quota says (access/quota-book.ts), else what the
 * server's options say for each user, or client id where nobody has logged in. Nothing is refused: a client over its
 * rate is told how long it is throttled (throttle_time_ms, KIP-219) and not read from until then.
 *
 *   allowance   grows by the rate, up to one second's worth; requests and fetched records are taken from it
 *   below zero  the client waits until it is zero again, 30 s at a time at most; the rest stays owed
 */
import type { Quotas } from "../access/access.ts";
import { ANONYMOUS, userNameOf } from "../access/acl.ts";
import { QUOTA_NAME_LENGTH_MAX, type QuotaKey } from "../access/quota.ts";
import type { Clock } from "../base/clock.ts";
import type { InputOf } from "./codec/message.ts";
import { Produce } from "./messages/00-produce.ts";
import { Fetch, type FetchResponse } from "./messages/01-fetch.ts";
import type { KafkaLimits } from "./options.ts";

const THROTTLE_MS_MAX = 30_000;
const CLIENTS_MAX = 10_000;
/** All that call themselves more than a quota can be for are one. */
const LONG_CLIENT_ID = "\n";

/** What a call is charged by, once it is answered. */
interface ChargedCall {
  readonly api: { readonly key: number };
  readonly owner: { readonly session: { readonly principal: string } };
  readonly clientId: string | null;
  readonly requestBytes: number;
  readonly body: unknown;
}

/** A rate and who keeps to it together. */
interface Share {
  readonly holder: string;
  readonly bytesPerSecond: number;
}

interface Allowance {
  bytes: number;
  atMs: number;
}

/** What holders have left, of one kind of rate. */
export class Allowances {
  private readonly holders = new Map<string, Allowance>();

  constructor(private readonly clock: Pick<Clock, "monotonicMs">) {}

  /** Takes `bytes` from the holder's allowance; the milliseconds that it has to wait now. */
  take({ holder, bytesPerSecond }: Share, bytes: number): number {
    const nowMs = this.clock.monotonicMs();
    let allowance = this.holders.get(holder);
    if (allowance === undefined) {
      if (this.holders.size >= CLIENTS_MAX) this.forgetOldest();
      allowance = { bytes: bytesPerSecond, atMs: nowMs };
      this.holders.set(holder, allowance);
    }
    const grown = allowance.bytes + ((nowMs - allowance.atMs) / 1000) * bytesPerSecond;
    allowance.bytes = Math.min(bytesPerSecond, grown) - bytes;
    allowance.atMs = nowMs;
    const waitMs = Math.ceil((-allowance.bytes / bytesPerSecond) * 1000);
    return Math.min(Math.max(waitMs, 0), THROTTLE_MS_MAX);
  }

  /** Half of them start anew, those heard of first. All at once, so that new client ids don't cost a walk each. */
  private forgetOldest(): void {
    for (const holder of this.holders.keys()) {
      if (this.holders.size <= CLIENTS_MAX / 2) break;
      this.holders.delete(holder);
    }
  }
}

/** What a client has to keep to; undefined for no bound. */
interface Shares {
  readonly produce: Share | undefined;
  readonly fetch: Share | undefined;
}

export class ByteRates {
  private readonly produced: Allowances;
  private readonly fetched: Allowances;
  /** By principal and client id, until quotas change. */
  private readonly known = new Map<string, Map<string, Shares>>();
  private knownCount = 0;
  private version: number | undefined;
  private unbounded = true;

  constructor(
    private readonly quotas: Quotas,
    private readonly limits: Pick<KafkaLimits, "produceBytesPerSecond" | "fetchBytesPerSecond">,
    clock: Pick<Clock, "monotonicMs">,
  ) {
    this.produced = new Allowances(clock);
    this.fetched = new Allowances(clock);
  }

  /** Takes what a call has cost; the milliseconds for which its client is to be throttled. */
  throttleMsOf(call: ChargedCall): number {
    if (this.version !== this.quotas.version) this.startAnew();
    if (this.unbounded) return 0;
    const { key } = call.api;
    if (key !== Produce.key && key !== Fetch.key) return 0;
    const { produce, fetch } = this.sharesOf(call);
    if (key === Produce.key)
      return produce === undefined ? 0 : this.produced.take(produce, call.requestBytes);
    if (fetch === undefined) return 0;
    return this.fetched.take(fetch, recordBytesOf(call.body as InputOf<typeof FetchResponse>));
  }

  /** Quotas have changed. What clients owe stays. */
  private startAnew(): void {
    const { produceBytesPerSecond, fetchBytesPerSecond } = this.limits;
    this.version = this.quotas.version;
    this.unbounded =
      this.quotas.isEmpty && produceBytesPerSecond === Infinity && fetchBytesPerSecond === Infinity;
    this.forgetShares();
  }

  private forgetShares(): void {
    this.known.clear();
    this.knownCount = 0;
  }

  private sharesOf({ owner, clientId }: ChargedCall): Shares {
    const { principal } = owner.session;
    const name = clientId === null ? "" : clientId.length > QUOTA_NAME_LENGTH_MAX ? LONG_CLIENT_ID : clientId;
    return this.known.get(principal)?.get(name) ?? this.find(principal, name);
  }

  private find(principal: string, clientId: string): Shares {
    if (this.knownCount >= CLIENTS_MAX) this.forgetShares();
    let ofPrincipal = this.known.get(principal);
    if (ofPrincipal === undefined) {
      ofPrincipal = new Map();
      this.known.set(principal, ofPrincipal);
    }
    const { produceBytesPerSecond, fetchBytesPerSecond } = this.limits;
    const shares = {
      produce: this.shareOf(principal, clientId, "producer_byte_rate", produceBytesPerSecond),
      fetch: this.shareOf(principal, clientId, "consumer_byte_rate", fetchBytesPerSecond),
    };
    ofPrincipal.set(clientId, shares);
    this.knownCount++;
    return shares;
  }

  private shareOf(
    principal: string,
    clientId: string,
    key: QuotaKey,
    otherwiseBytesPerSecond: number,
  ): Share | undefined {
    const rate = this.quotas.rateOf(userNameOf(principal), clientId, key);
    const bytesPerSecond = rate?.bytesPerSecond ?? otherwiseBytesPerSecond;
    if (bytesPerSecond === Infinity) return undefined;
    const { ofUser, ofClientId } = rate ?? {
      ofUser: principal !== ANONYMOUS,
      ofClientId: principal === ANONYMOUS,
    };
    return { holder: `${ofUser ? principal : ""}\n${ofClientId ? clientId : ""}`, bytesPerSecond };
  }
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
