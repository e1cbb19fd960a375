/**
 * The states that AWS's streams and consumers go through (CREATING, UPDATING, DELETING) before a change is done. Here
 * a change is done when its reply comes; with a transition time the state is shown for that long all the same, so
 * that people can test programs that wait. Nothing of it is kept over a restart.
 */
import type { Clock } from "../base/clock.ts";
import type { Stream } from "../streams/broker.ts";

export type StreamStatus = "CREATING" | "DELETING" | "ACTIVE" | "UPDATING";

interface Transition {
  readonly status: StreamStatus;
  readonly endsAtMs: number;
}

interface Deletion {
  readonly stream: Stream;
  readonly endsAtMs: number;
}

export class Transitions {
  private readonly underWay = new Map<string, Transition>();
  /** Streams that are gone and still shown as DELETING, by name. */
  private readonly deletions = new Map<string, Deletion>();

  /** `transitionMs`: how long each state is shown; 0 for not at all. */
  constructor(
    private readonly clock: Clock,
    private readonly transitionMs: number,
  ) {}

  /** `id` (a stream's id, a consumer's ARN) shows `status` from now on for a while. */
  start(id: string, status: "CREATING" | "UPDATING"): void {
    if (this.transitionMs === 0) return;
    this.underWay.set(id, { status, endsAtMs: this.clock.monotonicMs() + this.transitionMs });
    this.clock.after(this.transitionMs, () => void this.of(id));
  }

  startDeleting(stream: Stream): void {
    if (this.transitionMs === 0) return;
    const { name } = stream;
    this.deletions.set(name, { stream, endsAtMs: this.clock.monotonicMs() + this.transitionMs });
    this.clock.after(this.transitionMs, () => void this.deleting(name));
  }

  /** What `id` goes through now; undefined for nothing. */
  of(id: string): StreamStatus | undefined {
    const transition = this.underWay.get(id);
    if (transition === undefined || this.clock.monotonicMs() < transition.endsAtMs) return transition?.status;
    this.underWay.delete(id);
    return undefined;
  }

  statusOf(stream: Stream): StreamStatus {
    if (this.deletions.get(stream.name)?.stream === stream) return "DELETING";
    return this.of(stream.id) ?? (stream.resharding ? "UPDATING" : "ACTIVE");
  }

  /** The stream of that name that is shown as DELETING. */
  deleting(name: string): Stream | undefined {
    const deletion = this.deletions.get(name);
    if (deletion === undefined || this.clock.monotonicMs() < deletion.endsAtMs) return deletion?.stream;
    this.deletions.delete(name);
    return undefined;
  }

  /** All streams that are shown as DELETING. */
  allDeleting(): Stream[] {
    return [...this.deletions.keys()].flatMap((name) => this.deleting(name) ?? []);
  }
}
