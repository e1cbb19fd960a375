/** Warnings that every request could bring, such as that of a full disk: each is logged once a minute at most. */
import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

const INTERVAL_MS = 60_000;

export class SeldomWarnings {
  private readonly warnedMs = new Map<string, number>();

  constructor(
    private readonly logger: Pick<Logger, "warn">,
    private readonly clock: Pick<Clock, "monotonicMs">,
  ) {}

  /** Logs `message`, unless one about `cause` was logged less than a minute ago; there have to be few causes. */
  warn(cause: string, message: string, fields?: LogFields): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - (this.warnedMs.get(cause) ?? -Infinity) < INTERVAL_MS) return;
    this.warnedMs.set(cause, nowMs);
    this.logger.warn(message, fields);
  }
}
