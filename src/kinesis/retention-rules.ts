/** What IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod share. */
import { invalidArgument } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { findActive, type StreamReference } from "./stream-view.ts";

const HOUR_MS = 3_600_000;
const HOURS_MIN = 24;
const HOURS_MAX = 8760;

/** Throws InvalidArgumentException when `hours` is out of AWS's bounds or goes the other way. */
export function changeRetention(
  context: RequestContext,
  reference: StreamReference,
  hours: number,
  direction: "longer" | "shorter",
): void {
  if (hours < HOURS_MIN) {
    throw invalidArgument(
      `Minimum allowed retention period is ${HOURS_MIN} hours. ` +
        `Requested retention period (${hours} hours) is too short.`,
    );
  }
  if (hours > HOURS_MAX) {
    throw invalidArgument(
      `Maximum allowed retention period is ${HOURS_MAX} hours. ` +
        `Requested retention period (${hours} hours) is too long.`,
    );
  }
  const stream = findActive(context, reference);
  const retentionMs = hours * HOUR_MS;
  if (direction === "longer" ? retentionMs < stream.retentionMs : retentionMs > stream.retentionMs) {
    const [cannot, use] = direction === "longer" ? ["shorter", "Decrease"] : ["longer", "Increase"];
    throw invalidArgument(
      `Requested retention period (${hours} hours) for stream ${stream.name} can not be ${cannot} than existing ` +
        `retention period (${Math.ceil(stream.retentionMs / HOUR_MS)} hours). Use ${use}RetentionPeriod API.`,
    );
  }
  if (retentionMs === stream.retentionMs) return;
  context.broker.change(stream, { retentionMs });
  context.transitions.start(stream.id, "UPDATING");
}
