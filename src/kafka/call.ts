/**
 * What an API is, and one accepted request of it with its place in the line of replies. A handler either returns the reply's body (or a promise
 * of it), or returns undefined and calls `reply`, `finish` or `fail` itself, once, when it is ready.
 */
import { assert } from "../base/assert.ts";
import type { ShardLog } from "../log/shard-log.ts";
import type { ApiFlags } from "./api-flags.ts";
import type { ApiMessages } from "./codec/message.ts";
import type { KafkaContext } from "./context.ts";
import type { CloseReason } from "./metrics.ts";
import type { Session } from "./security/session.ts";

/** Handles one request: returns the reply's body, a promise of it, or undefined when it answers through the call. */
export type Handler<Request, Reply> = (request: Request, call: Call) => Reply | Promise<Reply> | undefined;

export interface Api extends ApiMessages, ApiFlags {
  readonly handle: Handler<never, unknown>;
}

/** What a call needs of its connection. */
export interface CallOwner {
  /** A call of this connection is done; replies may be ready to go. */
  onCallDone(): void;
  /** Ends the connection without a reply: the only way to tell a producer with acks=0. */
  onCallFailed(reason: CloseReason): void;
  /** Ends the connection once all that was accepted is answered. */
  endAfterReplies(reason: CloseReason, message: string): void;
  /** The session's login has succeeded: larger requests are allowed. */
  onLoggedIn(): void;
  /** Reads nothing more from the connection while `log` is congested. */
  holdFor(log: ShardLog): void;
  /** The address that this client is told to connect to. */
  readonly advertised: { readonly host: string; readonly port: number };
  /** The client's address. */
  readonly clientHost: string;
  /** Who the client is. */
  readonly session: Session;
}

/** Work that goes on after the handler has returned, until the reply is on its way. */
export interface Pending {
  /** The connection is gone, before or after the reply was given: let go of everything. */
  abort(): void;
  /** The server stops: answer now with what there is. */
  hurry(): void;
  /** Called about once a second: answer if what is waited for can't come any more. */
  recheck(): void;
}

export class Call {
  /** True when the reply, if there is one, may go out. */
  done = false;
  /** The reply's body; undefined when the request has no reply. */
  body: unknown;
  /** Changes the reply on its way out: set by guards. */
  amend: ((body: unknown) => unknown) | undefined;
  /** Set by handlers that answer later. */
  pending: Pending | undefined;

  constructor(
    readonly api: Api,
    readonly version: number,
    readonly correlationId: number,
    readonly clientId: string | null,
    readonly context: KafkaContext,
    readonly owner: CallOwner,
    /** Size of the request. */
    readonly requestBytes: number,
  ) {}

  /** Answers with `body`. */
  reply(body: unknown): void {
    assert(!this.done, "a request is answered once");
    this.body = this.amend === undefined || body === undefined ? body : this.amend(body);
    this.done = true;
    this.owner.onCallDone();
  }

  /** Ends the request without an answer, as acks=0 wants it. */
  finish(): void {
    this.reply(undefined);
  }

  /** Ends the connection. */
  fail(reason: CloseReason): void {
    this.done = true;
    this.owner.onCallFailed(reason);
  }
}
