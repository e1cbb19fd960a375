/**
 * Who speaks on one connection, and whether the connection may ask for more than a login. A session starts as
 * User:ANONYMOUS, becomes a certificate's subject when TLS says so, and a user when SASL does; the last one holds.
 */
import { ANONYMOUS, principalOf } from "../../access/acl.ts";
import type { ApiFlags } from "../api-flags.ts";
import type { KafkaSecurity } from "../options.ts";
import type { Exchange } from "./exchange.ts";
import type { Mechanism } from "./login.ts";

export class Session {
  /** As ACLs name it: "User:ann". */
  principal = ANONYMOUS;
  /** The login that is going on, between SaslHandshake and its end. */
  exchange: Exchange | undefined;
  mechanism: Mechanism | undefined;
  /** Whether the connection may do its work. */
  ready: boolean;
  /** Each request has to be asked about: a login is due, or will be again. */
  guarded: boolean;
  /** When the client has to have logged in again, on the monotonic clock. */
  private expiresAtMs = Infinity;

  constructor(private readonly security: KafkaSecurity) {
    this.ready = security.auth === "none" && security.tls === undefined;
    this.guarded = !this.ready;
  }

  /** Whether the client will have to log in again, and so may. */
  get mayRenew(): boolean {
    return this.expiresAtMs !== Infinity;
  }

  /** Whether a request of `api` may start at `nowMs`, monotonic. */
  admits(api: ApiFlags, nowMs: number): boolean {
    return api.beforeLogin === true || (this.ready && nowMs < this.expiresAtMs);
  }

  /** TLS stands; `certified` is the principal that the client's certificate makes, if it gave one. */
  secure(certified: string | undefined): void {
    if (certified !== undefined) this.principal = certified;
    const { auth } = this.security;
    if (auth === "none" || (auth === "tls" && certified !== undefined)) this.open(Infinity);
  }

  /** The user has logged in, until `expiresAtMs` on the monotonic clock. */
  logIn(user: string, expiresAtMs: number): void {
    this.principal = principalOf(user);
    this.exchange = undefined;
    this.open(expiresAtMs);
  }

  private open(expiresAtMs: number): void {
    this.ready = true;
    this.expiresAtMs = expiresAtMs;
    this.guarded = this.mayRenew;
  }
}
