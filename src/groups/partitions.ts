/** Sets of partitions as values: each is "<stream id>/<shard>", so that sets of them are cheap to compare and to keep. */

export type Partitions = ReadonlySet<string>;

export const NO_PARTITIONS: Partitions = new Set<string>();

export interface StreamShards {
  /** 32 hex digits. */
  readonly streamId: string;
  readonly shards: readonly number[];
}

export function partitionKey(streamId: string, shard: number): string {
  return `${streamId}/${shard}`;
}

export function partitionsOf(streams: readonly StreamShards[]): Partitions {
  const partitions = new Set<string>();
  for (const { streamId, shards } of streams)
    for (const shard of shards) partitions.add(partitionKey(streamId, shard));
  return partitions;
}

/** The same by stream, shards ascending. */
export function byStream(partitions: Partitions): StreamShards[] {
  const shardsOf = new Map<string, number[]>();
  for (const key of partitions) {
    const slash = key.indexOf("/");
    const streamId = key.slice(0, slash);
    const shards = shardsOf.get(streamId) ?? [];
    shards.push(Number(key.slice(slash + 1)));
    shardsOf.set(streamId, shards);
  }
  return [...shardsOf].map(([streamId, shards]) => ({ streamId, shards: shards.sort((a, b) => a - b) }));
}

export function samePartitions(a: Partitions, b: Partitions): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
