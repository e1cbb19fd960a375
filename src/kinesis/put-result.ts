/**
 * Where the record of a PutRecord was written, as its reply says it: as a value, and as JSON. The JSON of one shard's
 * records differs in digits that follow one another, so what of it stays the same is kept with the shard.
 */
import type { Shard } from "../streams/broker.ts";
import { SequenceNumbers, sequenceNumber } from "../streams/sequence-number.ts";
import { shardIdOf } from "./shard-view.ts";

interface ShardText {
  /** Everything before the digits. */
  start: string;
  numbers: SequenceNumbers;
}

const texts = new WeakMap<Shard, ShardText>();

export function putResultText(shard: Shard, offset: number): string {
  let text = texts.get(shard);
  if (text === undefined) {
    const start = `{"ShardId":"${shardIdOf(shard.index)}","SequenceNumber":"`;
    texts.set(shard, (text = { start, numbers: new SequenceNumbers(shard) }));
  }
  return `${text.start}${text.numbers.of(offset)}"}`;
}

export function putResultValue(shard: Shard, offset: number): object {
  return { ShardId: shardIdOf(shard.index), SequenceNumber: sequenceNumber(shard, offset) };
}
