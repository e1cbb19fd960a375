/**
 * One client's connection: frames in, calls in order, replies out in order, all of it bounded.
 *
 *   socket -> FrameDecoder -> Call, Call, Call (at most 64, only Produce may stand behind another)
 *                               | done, from the head on
 *                               v
 *                             Outbox -> socket
 *
 * A frame is taken only when it may start, so what can't start stays in the decoder and, once that holds a chunk,
 * the socket is paused and the client's own TCP window fills. A request stands still while: an earlier one that is
 * not Produce is in work; 64 Produce requests wait for the disk; more than 1 MiB of replies is unsent; a log that it
 * wrote to is congested; the client is throttled; or the memory for requests in arrival is used up.
 */
import type { Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { RosterMember } from "../base/roster.ts";
import type { ShardLog, TailListener } from "../log/shard-log.ts";
import { API_VERSIONS_KEY, apiOf } from "./apis.ts";
import type { ByteRates } from "./byte-rates.ts";
import { type Api, Call, type CallOwner } from "./call.ts";
import { inVersions } from "./codec/fields.ts";
import { apiKeyOf, apiVersionOf, correlationIdOf, readClientId, REQUEST_BYTES_MIN } from "./codec/header.ts";
import { FrameError, Reader } from "./codec/reader.ts";
import type { KafkaContext } from "./context.ts";
import { KafkaError } from "./errors.ts";
import { FrameDecoder } from "./frame.ts";
import { guardOf } from "./guards/guards.ts";
import { apiVersions } from "./handlers/18-api-versions.ts";
import type { MemoryBudget, MemoryClaimant } from "./memory-budget.ts";
import type { CloseReason } from "./metrics.ts";
import type { SendFile } from "./options.ts";
import { Outbox, type OutboxSocket } from "./outbox.ts";
import { writeReply } from "./reply.ts";
import { Permissions } from "./security/permissions.ts";
import type { Session } from "./security/session.ts";
import { Standstill } from "./standstill.ts";

/** The part of Bun's socket that a connection needs. */
export interface KafkaSocket extends OutboxSocket {
  end(): unknown;
  terminate(): void;
  pause(): void;
  resume(): void;
}

export interface ConnectionParts {
  context: KafkaContext;
  budget: MemoryBudget;
  sendFile: SendFile | null;
  logger: Logger;
}

export class Connection implements CallOwner, MemoryClaimant, RosterMember, TailListener {
  rosterIndex = -1;
  private readonly context: KafkaContext;
  private readonly decoder: FrameDecoder;
  private readonly outbox: Outbox;
  private readonly standstill: Standstill;
  /** Undefined where everybody may do everything. */
  private readonly permissions: Permissions | undefined;
  private readonly calls: Call[] = [];
  private readonly congested = new Set<ShardLog>();
  /** A frame that may not start yet. */
  private held: Buffer | undefined;
  /** Runs while the client is throttled. */
  private muted: Timer | undefined;
  private working = false;
  private workPlanned = false;
  private paused = false;
  /** No request is started any more; the connection ends when the last reply is out. */
  private closing = false;
  private closed = false;
  private receivedBytes = 0;
  private frames = 0;

  constructor(
    private readonly socket: KafkaSocket,
    private readonly peer: Pick<CallOwner, "advertised" | "clientHost" | "session">,
    private readonly parts: ConnectionParts,
  ) {
    const { limits } = parts.context;
    this.context = parts.context;
    this.standstill = new Standstill(limits);
    this.decoder = new FrameDecoder({
      frameBytesMin: REQUEST_BYTES_MIN,
      frameBytesMax: peer.session.ready ? limits.requestBytesMax : limits.loginRequestBytesMax,
      budget: parts.budget,
      claimant: this,
    });
    const { access } = parts.context;
    if (access.enforcing) this.permissions = new Permissions(access, peer.session, peer.clientHost);
    this.outbox = new Outbox(socket, parts.sendFile, this.workNow);
  }

  get advertised(): CallOwner["advertised"] {
    return this.peer.advertised;
  }

  get clientHost(): string {
    return this.peer.clientHost;
  }

  get session(): Session {
    return this.peer.session;
  }

  /** Bytes came. */
  onData(bytes: Buffer): void {
    if (this.closing) return;
    this.receivedBytes += bytes.length;
    this.context.metrics.bytesIn.add(bytes.length);
    this.decoder.push(bytes);
    this.work();
  }

  /** The kernel takes bytes again. */
  onDrain(): void {
    this.work();
  }

  /** The socket is gone. */
  onClose(): void {
    if (this.closed) return;
    this.closed = this.closing = true;
    for (const call of this.calls) call.pending?.abort();
    this.calls.length = 0;
    for (const log of this.congested) log.removeTailListener(this);
    this.congested.clear();
    this.held = undefined;
    this.muted?.cancel();
    this.outbox.dispose();
    this.decoder.dispose();
  }

  onCallDone(): void {
    this.workSoon();
  }

  onCallFailed(reason: CloseReason): void {
    this.end(reason, "a request with acks=0 failed");
  }

  endAfterReplies(reason: CloseReason, message: string): void {
    this.end(reason, message);
  }

  onLoggedIn(): void {
    this.decoder.allow(this.context.limits.requestBytesMax);
  }

  holdFor(log: ShardLog): void {
    if (this.congested.has(log)) return;
    this.congested.add(log);
    log.addTailListener(this);
  }

  onDurableEnd(log: ShardLog): void {
    if (log.congested) return;
    this.congested.delete(log);
    log.removeTailListener(this);
    this.workSoon();
  }

  onMemoryFreed(): void {
    this.workSoon();
  }

  /** Starts nothing more, hurries what waits, and ends the connection when all replies are out. */
  drain(): void {
    this.closing = true;
    for (const call of this.calls) call.pending?.hurry();
    this.work();
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** Called now and then: ends a connection that stands still, and gives up memory that an idle one keeps. */
  sweep(elapsedMs: number): void {
    const moved = this.standstill.look(elapsedMs, {
      movedBytes: this.receivedBytes + this.outbox.sentBytes,
      frames: this.frames,
      waiting: this.calls.length > 0 && this.outbox.unsentBytes === 0,
      midFrame: this.decoder.isMidFrame && !this.paused,
      ready: this.session.ready,
    });
    for (const log of this.congested) this.onDurableEnd(log);
    for (const call of this.calls) if (!call.done) call.pending?.recheck();
    if (!moved) this.decoder.trim();
    const reason = this.standstill.reasonToCut(this.decoder.assembledBytes);
    if (reason === undefined) return;
    this.context.metrics.countClosed(reason);
    this.terminate();
  }

  private readonly workNow = (): void => {
    this.workPlanned = false;
    if (!this.closed) this.work();
  };

  /** Many calls get done by one commit: their replies go out in one write. */
  private workSoon(): void {
    if (this.working || this.workPlanned || this.closed) return;
    this.workPlanned = true;
    queueMicrotask(this.workNow);
  }

  /** Does all that can be done now, then reads on or pauses. */
  private work(): void {
    if (this.working || this.closed) return;
    this.working = true;
    try {
      // Sending first: what was in the way of the next request may be gone then, and no event will say so again.
      let before: number;
      do {
        before = this.frames;
        this.takeReplies();
        if (!this.flush()) {
          this.socket.terminate();
          return;
        }
        this.startCalls();
      } while (this.frames !== before);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.end(error.fault, error.message);
    } finally {
      this.working = false;
    }
    this.settle();
  }

  private flush(): boolean {
    if (this.outbox.unsentBytes === 0) return true;
    const before = this.outbox.sentBytes;
    const whole = this.outbox.flush();
    this.context.metrics.bytesOut.add(this.outbox.sentBytes - before);
    return whole;
  }

  private settle(): void {
    if (this.closed) return;
    if (this.closing) {
      this.takeReplies();
      this.flush();
      if (this.calls.length === 0 && this.outbox.unsentBytes === 0) this.socket.end();
      return;
    }
    const pause = this.held !== undefined || this.decoder.hasBytes || this.muted !== undefined;
    if (pause === this.paused) return;
    this.paused = pause;
    if (pause) this.socket.pause();
    else this.socket.resume();
  }

  private startCalls(): void {
    const { limits } = this.context;
    while (!this.closing && this.congested.size === 0 && this.outbox.unsentBytes <= limits.unsentBytesMax) {
      this.takeReplies();
      if (this.muted !== undefined) return;
      const frame = this.held ?? this.decoder.next();
      if (frame === undefined) return;
      this.held = undefined;
      if (!this.start(frame)) {
        this.held = frame;
        return;
      }
      this.frames++;
    }
  }

  /** Starts the request in `frame`; false when it has to wait for earlier ones. */
  private start(frame: Buffer): boolean {
    const version = apiVersionOf(frame);
    const api = apiOf(apiKeyOf(frame));
    if (api === undefined) throw new FrameError("api", `API ${apiKeyOf(frame)} is not spoken here`);
    const last = this.calls.at(-1);
    if (last !== undefined) {
      const behindProduce = api.pipelined && last.api.pipelined;
      if (!behindProduce || this.calls.length >= this.context.limits.pipelinedRequestsMax) return false;
    }
    const { session } = this;
    if (session.guarded && !session.admits(api, this.context.clock.monotonicMs())) {
      this.end("login", `${api.name} from a client that has to log in first`);
      return true;
    }
    this.context.metrics.requestsOf(api.name).add();
    if (inVersions(api.request.versions, version)) this.run(api, version, frame);
    else this.refuseVersion(api, version, frame);
    return true;
  }

  private run(api: Api, version: number, frame: Buffer): void {
    const reader = new Reader(frame);
    const clientId = readClientId(reader, api.request.isFlexible(version));
    const body = api.request.read(version, reader);
    const call = new Call(api, version, correlationIdOf(frame), clientId, this.context, this, frame.length);
    this.calls.push(call);
    const reply = this.permissions
      ? this.guarded(api, body, call, this.permissions)
      : api.handle(body as never, call);
    if (reply instanceof Promise) void reply.then((value) => this.closed || call.reply(value));
    else if (reply !== undefined) call.reply(reply);
  }

  /** Asks the API's guard first. */
  private guarded(api: Api, body: unknown, call: Call, permissions: Permissions): unknown {
    const guard = guardOf(api.key);
    if (guard === undefined) {
      call.fail("api");
      return undefined;
    }
    const refusal = guard.check(body as never, permissions, call);
    if (refusal !== undefined) return refusal;
    return call.done ? undefined : api.handle(body as never, call);
  }

  /** A client that is too new is told, in the oldest form, what it can use; any other API has no such form. */
  private refuseVersion(api: Api, version: number, frame: Buffer): void {
    if (api.key !== API_VERSIONS_KEY)
      throw new FrameError("version", `${api.name} has no version ${version} here`);
    const call = new Call(api, 0, correlationIdOf(frame), null, this.context, this, frame.length);
    this.calls.push(call);
    call.reply(apiVersions(this.context, KafkaError.unsupportedVersion));
  }

  /** Moves the replies that are done, from the head of the line on, into the outbox. */
  private takeReplies(): void {
    const { calls } = this;
    const { rates } = this.context;
    let taken = 0;
    for (let call = calls[0]; call?.done; call = calls[++taken]) {
      this.throttle(call, rates);
      if (call.body !== undefined) writeReply(this.outbox.writer, call);
    }
    if (taken > 0) calls.splice(0, taken);
  }

  /** Reads nothing more for a while when the call's client has used up its rate. */
  private throttle(call: Call, rates: ByteRates): void {
    const throttleTimeMs = rates.throttleMsOf(call);
    if (throttleTimeMs === 0) return;
    this.context.metrics.throttled.add();
    if (call.body !== undefined) call.body = { ...(call.body as object), throttleTimeMs };
    this.muted?.cancel();
    this.muted = this.context.clock.after(throttleTimeMs, () => {
      this.muted = undefined;
      this.workNow();
    });
  }

  /** Refuses to go on: earlier replies still go out. */
  private end(reason: CloseReason, message: string): void {
    if (this.closing) return;
    this.closing = true;
    this.held = undefined;
    this.context.metrics.countClosed(reason);
    this.parts.logger.debug("kafka connection ended", { reason, message });
    this.workSoon();
  }
}
