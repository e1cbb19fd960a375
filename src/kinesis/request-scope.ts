/** What one request works with: what all of them share, who asks, and how its body carries values. */
import type { BodyFormat } from "./body.ts";
import type { Caller } from "./caller.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { RequestContext, Services } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";

export class RequestScope implements RequestContext {
  readonly broker: Services["broker"];
  readonly clock: Services["clock"];
  readonly tokens: Services["tokens"];
  readonly metrics: Services["metrics"];
  readonly openBatches: Services["openBatches"];
  readonly readTurns: Services["readTurns"];
  readonly retentionMs: Services["retentionMs"];
  readonly transitions: Services["transitions"];
  readonly subscriptions: Services["subscriptions"];
  readonly throttle: Services["throttle"];
  private leave: (() => void) | undefined;

  constructor(
    services: Services,
    readonly caller: Caller,
    readonly format: BodyFormat,
    private readonly request: Request,
    private readonly body: RequestBody,
    private readonly memory: MemoryBudget,
    readonly may: RequestContext["may"],
  ) {
    this.broker = services.broker;
    this.clock = services.clock;
    this.tokens = services.tokens;
    this.metrics = services.metrics;
    this.openBatches = services.openBatches;
    this.readTurns = services.readTurns;
    this.retentionMs = services.retentionMs;
    this.transitions = services.transitions;
    this.subscriptions = services.subscriptions;
    this.throttle = services.throttle;
  }

  dropBody(): void {
    this.body.drop();
  }

  reserveReply(bytes: number): boolean {
    this.leaveRoom();
    this.leave = this.memory.tryTake(bytes);
    return this.leave !== undefined;
  }

  /** Gives back what was reserved: the reply is there, and counts by itself, or there is none. */
  leaveRoom(): void {
    this.leave?.();
    this.leave = undefined;
  }

  /** Made when somebody asks: most never do. */
  get hungUp(): AbortSignal {
    return this.request.signal;
  }
}
