/**
 * What a command asks its broker through: a connection that outlasts the broker as long as the command has patience. A
 * lost connection is made again after a pause that grows, and what had no answer is asked again; so whoever has patience
 * asks only what may be done twice, as a consumer does, or a producer whose batches bear sequence numbers.
 */
import { systemClock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { KafkaClient } from "../kafka/client.ts";
import type { Decoded, Encodable, Fields } from "../kafka/codec/fields.ts";
import type { ApiMessages } from "../kafka/codec/message.ts";
import { CliError, EXIT } from "./exit.ts";

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
/** Kafka's request.timeout.ms. */
const ANSWER_MS_MAX = 30_000;

/** From the first request without an answer to the next that has one. */
interface Outage {
  sinceMs: number;
  pauseMs: number;
}

export class LastingConnection {
  /** How long a broker may be away before that is an error; 0: not at all. */
  patienceMs = 0;
  private outage: Outage | undefined;

  /** `connect` makes the next connection, as often as it takes. */
  constructor(
    private client: KafkaClient | undefined,
    private readonly connect: () => Promise<KafkaClient>,
    /** With patience, a broker that takes longer to answer is away: its machine may have gone without a word. */
    private readonly answerMsMax = ANSWER_MS_MAX,
  ) {}

  /** Resolves to the answer. Throws CliError when the connection is lost and patience at its end. */
  async request<RequestFields extends Fields, ReplyFields extends Fields>(
    messages: ApiMessages<RequestFields, ReplyFields>,
    body: Encodable<RequestFields>,
  ): Promise<Decoded<ReplyFields>> {
    for (;;) {
      try {
        this.client ??= await this.connect();
        const reply = await this.inTime(this.client.request(messages, body));
        this.endOutage();
        return reply;
      } catch (error) {
        if (!isLoss(error)) throw error;
        await this.pause(error);
      }
    }
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async inTime<T>(answer: Promise<T>): Promise<T> {
    if (this.patienceMs === 0) return answer;
    const late = Promise.withResolvers<never>();
    const error = new VoikError("timed_out", `the broker has not answered for ${this.answerMsMax} ms`);
    const timer = systemClock.after(this.answerMsMax, () => late.reject(error));
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  private async pause({ message }: Error): Promise<void> {
    this.close();
    const nowMs = performance.now();
    const { sinceMs, pauseMs } = this.outage ?? { sinceMs: nowMs, pauseMs: PAUSE_MS_MIN };
    if (nowMs - sinceMs >= this.patienceMs) throw new CliError(EXIT.unavailable, message);
    if (!this.outage) process.stderr.write(`voik: ${message}: connecting again\n`);
    this.outage = { sinceMs, pauseMs: Math.min(2 * pauseMs, PAUSE_MS_MAX) };
    await Bun.sleep(pauseMs);
  }

  private endOutage(): void {
    if (!this.outage) return;
    this.outage = undefined;
    process.stderr.write("voik: connected again\n");
  }
}

/** Whether the broker, or the way to it, was lost; anything else would come again. */
function isLoss(error: unknown): error is Error {
  if (error instanceof VoikError) return error.code === "shutting_down" || error.code === "timed_out";
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^E[A-Z]+$/.test(code); // the system's, such as ECONNREFUSED
}
