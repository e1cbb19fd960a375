/**
 * Events of SubscribeToShard: the records of a shard from an offset on, read and encoded as one frame.
 *
 * Subscribers that have all there is wait for the same records, and are woken in the same tick: the first of them has
 * the frame made, and the others send its bytes. Only the last frame of each shard is kept, and to the end of the tick.
 */
import type { Clock } from "../base/clock.ts";
import type { Shard } from "../streams/broker.ts";
import { sequenceNumber } from "../streams/sequence-number.ts";
import { jsonFormat } from "./body.ts";
import { eventFrame } from "./event-stream.ts";
import { GET_RECORDS_MAX } from "./members.ts";
import type { OpenBatches } from "./open-batches.ts";
import { millisBehindLatest, type ReadEnd, readRecords } from "./record-read.ts";
import type { RecordList } from "./record-list.ts";
import { childShardViews } from "./shard-view.ts";

export interface ShardEvent {
  /** Whole, as it is sent; nobody may change it. */
  readonly frame: Buffer;
  readonly records: number;
  readonly dataBytes: number;
  /** Where the next event goes on. */
  readonly nextOffset: number;
  /** Of its last record; undefined when it has none. */
  readonly lastTimestampMs: number | undefined;
  /** Nothing will ever follow in this shard: the event names its children. */
  readonly ended: boolean;
}

interface Kept {
  readonly from: number;
  readonly stableEnd: number;
  readonly event: ShardEvent;
}

/** Data of one event; one record may pass it. */
const EVENT_BYTES_MAX = 1024 * 1024;

export class ShardEvents {
  private readonly kept = new Map<Shard, Kept>();

  constructor(
    private readonly clock: Clock,
    private readonly openBatches: OpenBatches,
  ) {}

  /**
   * The records of `shard` from `offset` on, or from its start when retention took them; none when there are none.
   * Throws as readRecords does.
   */
  next(shard: Shard, offset: number): ShardEvent {
    const from = Math.max(offset, shard.log.startOffset);
    const { stableEnd } = shard.log;
    const kept = this.kept.get(shard);
    if (kept?.from === from && kept.stableEnd === stableEnd) {
      if (kept.event.ended === hasEnded(shard, kept.event.nextOffset)) return kept.event;
    }
    const event = this.read(shard, from);
    if (this.kept.size === 0) this.clock.defer(() => this.kept.clear());
    this.kept.set(shard, { from, stableEnd, event });
    return event;
  }

  /** An event without records for somebody who has had `last`, and what follows later. */
  pause(shard: Shard, last: ShardEvent): Buffer {
    return this.encode(jsonFormat.recordList(), shard, last, false);
  }

  private read(shard: Shard, from: number): ShardEvent {
    const limits = { recordsMax: GET_RECORDS_MAX, bytesMax: EVENT_BYTES_MAX };
    const read = readRecords(shard, from, limits, jsonFormat.recordList(), this.openBatches);
    const { records, nextOffset, dataBytes, lastTimestampMs } = read;
    const ended = hasEnded(shard, nextOffset);
    const frame = this.encode(records, shard, read, ended);
    return { frame, records: records.count, dataBytes, nextOffset, lastTimestampMs, ended };
  }

  private encode(records: RecordList, shard: Shard, read: ReadEnd, ended: boolean): Buffer {
    const payload = records.close({
      // AFTER it the next subscription goes on; before the first record it is the shard's starting number.
      ContinuationSequenceNumber: ended ? undefined : sequenceNumber(shard, read.nextOffset - 1),
      MillisBehindLatest: millisBehindLatest(read, shard, this.clock.nowMs()),
      ChildShards: ended ? childShardViews(shard) : undefined,
    });
    return eventFrame("SubscribeToShardEvent", jsonFormat.encode(payload));
  }
}

function hasEnded(shard: Shard, offset: number): boolean {
  return (
    shard.closedAtMs !== undefined &&
    offset >= shard.log.endOffset &&
    shard.stream.shards.some((other) => other.parents.includes(shard.index))
  );
}
