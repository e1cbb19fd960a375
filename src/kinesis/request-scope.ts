/** What one request works with: what all of them share, who asks, and how its body carries values. */
import type { BodyFormat } from "./body.ts";
import type { Caller } from "./caller.ts";
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

  constructor(
    services: Services,
    readonly caller: Caller,
    readonly format: BodyFormat,
    private readonly request: Request,
    private readonly body: RequestBody,
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

  /** Made when somebody asks: most never do. */
  get hungUp(): AbortSignal {
    return this.request.signal;
  }
}
