/**
 * How many streams AWS lets an account have in a state or a mode; held only under --kinesis-limits=aws
 * (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html).
 */
import type { Stream } from "../streams/broker.ts";
import { KinesisError } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { modeOf, type StreamMode } from "./stream-settings.ts";

export const ON_DEMAND_STREAMS_MAX = 50;
const CREATING_MAX = 5;

/** Throws LimitExceededException when one more stream in CREATING, or in on-demand mode, is too many. */
export function checkStreamQuotas(context: RequestContext, mode: StreamMode | undefined): void {
  const { throttle, transitions } = context;
  if (throttle === undefined) return;
  const creating = (stream: Stream) => transitions.statusOf(stream) === "CREATING";
  refuseFrom(context, CREATING_MAX, creating, "in state CREATING");
  if (mode === "ON_DEMAND") checkOnDemandQuota(context);
}

/** Throws LimitExceededException when one more stream in on-demand mode is too many. */
export function checkOnDemandQuota(context: RequestContext): void {
  if (context.throttle === undefined) return;
  const onDemand = (stream: Stream) => modeOf(stream) === "ON_DEMAND";
  refuseFrom(context, ON_DEMAND_STREAMS_MAX, onDemand, "in On-Demand mode");
}

function refuseFrom(
  { broker, caller }: RequestContext,
  max: number,
  counts: (stream: Stream) => boolean,
  state: string,
): void {
  if (broker.listStreams().filter(counts).length < max) return;
  throw new KinesisError(
    "LimitExceededException",
    `Account ${caller.accountId} in ${caller.region} has ${max} streams ${state}, and can have no more at a time.`,
  );
}
