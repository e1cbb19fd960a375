/**
 * Whether a connection stands still: no byte for long, a request that does not get done arriving, a login that does
 * not come. It is looked at now and then and adds up, so that no timer runs for a connection and none is set for a byte.
 */
import type { CloseReason } from "./metrics.ts";
import type { KafkaLimits } from "./options.ts";

/** Bytes that add a millisecond to the time that a request has to arrive: 16 KiB a second. */
const SLOW_BYTES_PER_MS = 16;

/** A connection as it is at a look. */
export interface Standing {
  /** Bytes received and sent in all. */
  readonly movedBytes: number;
  /** Requests started in all. */
  readonly frames: number;
  /** It is not the client's turn: calls are in work, and no reply is on its way. */
  readonly waiting: boolean;
  /** A request is half there, and more of it is asked for. */
  readonly midFrame: boolean;
  /** No login is missing. */
  readonly ready: boolean;
}

export class Standstill {
  private movedBytes = 0;
  private frames = 0;
  private idleMs = 0;
  private midFrameMs = 0;
  private loginMs = 0;

  constructor(
    private readonly limits: Pick<KafkaLimits, "loginTimeoutMs" | "idleTimeoutMs" | "frameTimeoutMs">,
  ) {}

  /** Takes note, `elapsedMs` after the last look; whether a byte has moved since then. */
  look(elapsedMs: number, { movedBytes, frames, waiting, midFrame, ready }: Standing): boolean {
    const moved = movedBytes !== this.movedBytes;
    const stuck = midFrame && !waiting && frames === this.frames;
    this.idleMs = moved || waiting ? 0 : this.idleMs + elapsedMs;
    this.midFrameMs = stuck ? this.midFrameMs + elapsedMs : 0;
    this.loginMs = ready ? 0 : this.loginMs + elapsedMs;
    this.movedBytes = movedBytes;
    this.frames = frames;
    return moved;
  }

  /** Why the connection is to be cut, as of the last look. */
  reasonToCut(assembledBytes: number): CloseReason | undefined {
    const { loginTimeoutMs, idleTimeoutMs, frameTimeoutMs } = this.limits;
    if (this.loginMs >= loginTimeoutMs) return "login";
    if (this.idleMs >= idleTimeoutMs) return "idle";
    return this.midFrameMs >= frameTimeoutMs + assembledBytes / SLOW_BYTES_PER_MS ? "slow" : undefined;
  }
}
