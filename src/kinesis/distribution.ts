/**
 * Which shard a record goes to. USER_PARTITION_KEY: where its key or its ExplicitHashKey says. AUTO, for on-demand
 * streams: to each open shard in turn, whatever the two say; a record needs no key then, and keeps one that it has.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamRecordDistributionStrategy.html
 */
import type { Shard, Stream } from "../streams/broker.ts";
import { setHashKey } from "../streams/hash-keys.ts";
import type { RecordTable } from "../streams/record-table.ts";
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
 * Sees to it that each of `records` has the hash key that says where it goes. `list` is the member of the request that
 * holds them, undefined when there is but one. Throws ValidationException when one has no key and needs it.
 */
export function distribute(records: RecordTable, stream: Stream, list?: string): void {
  if (distributionOf(stream) === "AUTO") return distributeInTurn(records, stream);
  for (let place = 0; place < records.count; place++) {
    if (records.keyStart(place) >= 0) continue;
    const path = list === undefined ? "partitionKey" : `${list}.${place + 1}.member.partitionKey`;
    const constraint = constraintText(null, path, "Member must not be null");
    throw validationError(`1 validation error detected: ${constraint}`);
  }
}

function distributeInTurn(records: RecordTable, stream: Stream): void {
  const open = stream.shards.filter(({ closedAtMs }) => closedAtMs === undefined);
  let turn = turns.get(stream) ?? 0;
  for (let place = 0; place < records.count; place++) {
    const shard = open[turn++ % open.length] as Shard;
    setHashKey(records.hashKeys, place, shard.range.start);
  }
  turns.set(stream, turn % open.length);
}
