/**
 * Which shard a record goes to. USER_PARTITION_KEY: where its key or its ExplicitHashKey says. AUTO, for on-demand
 * streams: to each open shard in turn, whatever the two say; a record needs no key then, and keeps one that it has.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamRecordDistributionStrategy.html
 */
import type { RecordToAppend, Shard, Stream } from "../streams/broker.ts";
import { invalidArgument } from "./errors.ts";
import { type Distribution, distributionOf, type StreamMode } from "./stream-settings.ts";
import { constraintText, validationError } from "./validation.ts";

/** The open shard whose turn it is next, by its place; not kept over a restart. */
const turns = new WeakMap<Stream, number>();

/** Throws InvalidArgumentException when a stream of this mode can't have `distribution`. */
export function checkDistribution(
  distribution: Distribution | undefined,
  mode: StreamMode = "PROVISIONED",
): void {
  if (distribution !== "AUTO" || mode === "ON_DEMAND") return;
  throw invalidArgument("The record distribution strategy AUTO is for streams in On-Demand mode only.");
}

/**
 * `records`, each with what says where it goes. `list` is the member of the request that holds them, undefined when there
 * is but one. Throws ValidationException when one has no key and needs it.
 */
export function distribute(
  records: readonly RecordToAppend[],
  stream: Stream,
  list?: string,
): readonly RecordToAppend[] {
  if (distributionOf(stream) === "AUTO") return inTurn(records, stream);
  const keyless = records.findIndex(({ partitionKey }) => partitionKey === undefined);
  if (keyless < 0) return records;
  const path = list === undefined ? "partitionKey" : `${list}.${keyless + 1}.member.partitionKey`;
  const constraint = constraintText(null, path, "Member must not be null");
  throw validationError(`1 validation error detected: ${constraint}`);
}

function inTurn(records: readonly RecordToAppend[], stream: Stream): RecordToAppend[] {
  const open = stream.shards.filter(({ closedAtMs }) => closedAtMs === undefined);
  let turn = turns.get(stream) ?? 0;
  const placed = records.map((record) => {
    const shard = open[turn++ % open.length] as Shard;
    return { ...record, explicitHashKey: shard.range.start };
  });
  turns.set(stream, turn % open.length);
  return placed;
}
