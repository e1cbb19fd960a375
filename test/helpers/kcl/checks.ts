/**
 * What the Kinesis Client Library refuses to believe, as its versions 2 and 3 check it: sequence numbers, the end of
 * a shard, and hash ranges with holes. Each throws with a sentence that says what is wrong.
 */
import type { ChildShard, HashKeyRange } from "@aws-sdk/client-kinesis";

const SEQUENCE_NUMBER_BITS = 186;
const VERSION_SHIFT = 184n;
const SHARD_SHIFT = 4n;

/** Its SequenceNumberValidator: 186 bits, version 2, and the number of the shard it is used with. */
export function checkSequenceNumber(text: string, shardId: string): void {
  const number = BigInt(text);
  const bits = number.toString(2).length;
  if (bits !== SEQUENCE_NUMBER_BITS) throw new Error(`${text} has ${bits} bits`);
  const version = (number >> VERSION_SHIFT) & 0xfn;
  if (version !== 2n) throw new Error(`${text} is of version ${version}`);
  const shard = `shardId-${String((number >> SHARD_SHIFT) & 0xffff_ffffn).padStart(12, "0")}`;
  if (shard !== shardId) throw new Error(`${text} is of ${shard}, but came from ${shardId}`);
}

/** A shard goes on (`next`) if and only if it names no children, and children name their parents. */
export function checkEndOfShard(next: string | undefined, children: readonly ChildShard[] | undefined): void {
  const ended = children !== undefined && children.length > 0;
  if ((next === undefined) !== ended)
    throw new Error(`next is ${next}, and there are ${children?.length} child shards`);
  for (const child of children ?? [])
    if (!child.ParentShards?.length) throw new Error(`child ${child.ShardId} names no parents`);
}

/** The ranges of the shards that are open at one position hold every hash key once: its HashRangeHoleTracker. */
export function checkNoHole(ranges: readonly (HashKeyRange | undefined)[]): void {
  const sorted = ranges
    .map((range) => [BigInt(range?.StartingHashKey ?? -1), BigInt(range?.EndingHashKey ?? -1)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
  let next = 0n;
  for (const [start, end] of sorted) {
    if (start !== next) throw new Error(`hash keys from ${next} to ${start}: a hole, or held twice`);
    next = end + 1n;
  }
  if (next !== 2n ** 128n) throw new Error(`no shard holds the hash keys from ${next} on`);
}
