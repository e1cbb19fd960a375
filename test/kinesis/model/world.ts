/**
 * A server whose states last (CREATING, …) and whose rates are AWS's, on a clock that only the test moves; and what
 * the calls of the table need to find there. Each call that a case makes for itself is JSON by hand.
 */
import type { Access } from "../../../src/access/access.ts";
import { type Json, KinesisHarness, ManualClock, type Reply } from "../kinesis-harness.ts";
import { type Input, toWire } from "./sdk-model.ts";

const TRANSITION_MS = 5_000;
export const SHARD = "shardId-000000000000";

export class World {
  /** Whether every operation is refused to everybody. */
  denying = false;
  private names = 0;

  readonly clock = new ManualClock();
  harness!: KinesisHarness;

  static async start(): Promise<World> {
    const world = new World();
    const rules = {
      get enforcing() {
        return world.denying;
      },
      authorize: () => false,
    };
    world.harness = await KinesisHarness.start({
      clock: world.clock,
      transitionMs: TRANSITION_MS,
      rates: "aws",
      security: { access: rules as unknown as Access, auth: "none" },
    });
    return world;
  }

  call(operation: string, input: Input): Promise<Reply> {
    return this.harness.call(operation, toWire(operation, input, "json"));
  }

  async ok(operation: string, input: Input): Promise<Json> {
    const reply = await this.call(operation, input);
    if (reply.status !== 200) throw new Error(`${operation}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** As `ok`, and every state that it began is over. */
  async done(operation: string, input: Input): Promise<Json> {
    const body = await this.ok(operation, input);
    this.pass(2 * TRANSITION_MS);
    return body;
  }

  pass(ms: number): void {
    this.clock.timeMs += ms;
  }

  newName(): string {
    return `s${++this.names}`;
  }

  /** The name of a new stream, ACTIVE. */
  async stream(ShardCount = 1): Promise<string> {
    const StreamName = this.newName();
    await this.done("CreateStream", { StreamName, ShardCount });
    return StreamName;
  }

  /** The name of a new stream, in CREATING until time passes. */
  async creating(): Promise<string> {
    this.pass(2 * TRANSITION_MS);
    const StreamName = this.newName();
    await this.ok("CreateStream", { StreamName, ShardCount: 1 });
    return StreamName;
  }

  /** A new stream that is being updated. */
  async updating(shardCount = 1): Promise<string> {
    const StreamName = await this.stream(shardCount);
    await this.ok("IncreaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 48 });
    return StreamName;
  }

  /** A new stream in on-demand mode. */
  async onDemand(shardCount = 1): Promise<string> {
    const name = await this.stream(shardCount);
    const StreamModeDetails = { StreamMode: "ON_DEMAND" };
    await this.done("UpdateStreamMode", { StreamARN: arn(name), StreamModeDetails });
    return name;
  }

  /** The ARN of a new consumer of a new stream, in CREATING until time passes. */
  async creatingConsumer(): Promise<string> {
    const StreamARN = arn(await this.stream());
    const { Consumer } = await this.ok("RegisterStreamConsumer", { StreamARN, ConsumerName: "c" });
    return String(Consumer?.["ConsumerARN"]);
  }

  async consumer(): Promise<string> {
    const consumer = await this.creatingConsumer();
    this.pass(2 * TRANSITION_MS);
    return consumer;
  }

  async iterator(StreamName: string): Promise<string> {
    return this.harness.iterator(StreamName, "TRIM_HORIZON");
  }

  /** Makes the call until the rate of its second is used up. */
  async exhaust(operation: string, input: Input): Promise<Input> {
    const limits = ["LimitExceededException", "ProvisionedThroughputExceededException"] as unknown[];
    for (let calls = 0; calls <= 1000; calls++)
      if (limits.includes((await this.call(operation, input)).body?.["__type"])) return input;
    throw new Error(`${operation} can be called for ever`);
  }
}

export function arn(streamName: string): string {
  return `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}`;
}
