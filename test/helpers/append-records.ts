/** Appends records as objects, and gives what became of each as an object: easy to write down, and to look at. */
import type { VoikError } from "../../src/base/errors.ts";
import type { Broker, Shard, Stream } from "../../src/streams/broker.ts";
import { hashKeysOf } from "../../src/streams/hash-keys.ts";
import { RecordTable, type RecordToAppend } from "../../src/streams/record-table.ts";
import { createHash } from "node:crypto";

export type AppendOutcome = { shard: Shard; offset: number } | { error: VoikError };

/** As Broker.appendRecords; an outcome for each record, in their order. */
export async function appendRecords(
  broker: Broker,
  stream: Stream,
  records: readonly RecordToAppend[],
): Promise<AppendOutcome[]> {
  const outcomes = await broker.appendRecords(stream, RecordTable.of(records));
  return records.map((_, place) => {
    const error = outcomes.errorOf(place);
    if (error !== undefined) return { error };
    return { shard: outcomes.shardOf(place), offset: outcomes.offsetOf(place) };
  });
}

/** The MD5 of a partition key as a number. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${createHash("md5").update(partitionKey, "utf8").digest("hex")}`);
}

/** The open shard whose range holds `hashKey`. */
export function shardForHash(stream: Stream, hashKey: bigint): Shard {
  return stream.shardForHash(hashKeysOf([hashKey]), 0);
}
