/**
 * The face that the protocol edges use: streams by name or id, their shards, and what can be done to them.
 * Reading and writing then goes to a shard's own log (log/shard-log.ts). StreamBroker (stream-broker.ts) is the
 * real one.
 */
import type { VoikError } from "../base/errors.ts";
import type { Durability } from "../log/log-factory.ts";
import type { ShardLog } from "../log/shard-log.ts";
import type { RecordTable } from "./record-table.ts";
import type { StreamSettings } from "./stream-settings.ts";
import type { HashRange } from "./hash-range.ts";

/** One ordered log with a range of hash keys; partition `index` to Kafka, `shardId-<index>` to Kinesis. */
export interface Shard {
  readonly index: number;
  readonly range: HashRange;
  readonly createdAtMs: number;
  /** When it was split or merged away; undefined while it takes writes. */
  readonly closedAtMs: number | undefined;
  /** Index of the shard this one came from, if any; two of them after a merge. */
  readonly parents: readonly number[];
  readonly stream: Stream;
  readonly log: ShardLog;
}

export interface Stream {
  /** 32 hex digits of a UUID: the folder name, and Kafka's topic id. Never shown to a Kinesis client. */
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly retentionMs: number;
  readonly durability: Durability;
  /** What it has chosen otherwise; replaced as a whole by a change. */
  readonly settings: StreamSettings;
  /** All shards that can still be read, by index; another array after each reshard. */
  readonly shards: readonly Shard[];
  /** True while a reshard is under way: another one is refused until it ends. */
  readonly resharding: boolean;
  /** What the edges keep with a stream, by names of their own: tags, consumers, policies. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The open shard whose range holds the hash key at `place` of `hashKeys` (hash-keys.ts). */
  shardForHash(hashKeys: Uint32Array, place: number): Shard;
  addShardsListener(listener: ShardsListener): void;
  removeShardsListener(listener: ShardsListener): void;
}

/** Told each time shards of a stream were opened and closed, and once when the stream was deleted. */
export interface ShardsListener {
  onShardsChanged(stream: Stream): void;
}

/** How a stream's shards are to change; shards are named by their index. */
export type ReshardRequest =
  /** In two; `at` is the first hash key of the second. */
  | { kind: "split"; shard: number; at: bigint }
  /** Two open ones to one; `second` begins where `first` ends. */
  | { kind: "merge"; first: number; second: number }
  /** To `shardCount` open ones, at most twice as many as now. */
  | { kind: "scale"; shardCount: number }
  /** To `shardCount` open ones, none closed, with ranges anew: only of a stream that was never written to. */
  | { kind: "grow"; shardCount: number };

/** New values by name; undefined removes one. */
export type AttributeChanges = ReadonlyMap<string, string | undefined>;

/** What is to change of a stream; what is left out stays. */
export interface StreamChanges {
  retentionMs?: number;
  durability?: Durability;
  /** In place of all that the stream has chosen up to now. */
  settings?: StreamSettings;
}

export interface CreateStreamRequest {
  name: string;
  shardCount: number;
  /** Defaults to the broker's own retention. */
  retentionMs?: number;
  /** Default "sync": acknowledged means on the disk. */
  durability?: Durability;
  settings?: StreamSettings;
  attributes?: ReadonlyMap<string, string>;
}

/** What became of the records of one put, by their places in it: nothing is allocated per record. */
export interface AppendOutcomes {
  readonly count: number;
  /** How many records failed. */
  readonly failed: number;
  /** Why a record failed; undefined when it was written. */
  errorOf(place: number): VoikError | undefined;
  /** The shard of a record that was written. */
  shardOf(place: number): Shard;
  /** The offset of a record; -1 when it was never appended. */
  offsetOf(place: number): number;
}

/** Whether a shard takes a record of `bytes`, its key included; the error that it fails with when it does not. */
export type Admission = (shard: Shard, bytes: number) => VoikError | undefined;

export interface Broker {
  /** Creates a stream and its logs; resolves when it is durable. Throws stream_exists, stream_name_invalid, … */
  createStream(request: CreateStreamRequest): Promise<Stream>;
  /** Deletes a stream and its records; resolves when it stays deleted after a crash. Throws stream_not_found. */
  deleteStream(name: string): Promise<void>;
  /**
   * Splits and merges: the parents close and stay readable, the children are open once this resolves, and a crash
   * leaves the one or the other. Throws stream_not_found, stream_not_ready while another is under way,
   * shard_not_found, shard_closed, argument_invalid, shard_count_invalid, limit_exceeded, …
   */
  reshard(stream: Stream, request: ReshardRequest): Promise<void>;
  /** Throws what `reshard` would, as far as that can be told now. */
  checkReshard(stream: Stream, request: ReshardRequest): void;
  /** Changes what a stream has chosen, all or nothing; it holds from now on. Durable on return. Throws stream_not_found, … */
  change(stream: Stream, changes: StreamChanges): void;
  /** Changes what edges keep with a stream, all or nothing. Durable on return. Throws stream_not_found, … */
  setAttributes(stream: Stream, changes: AttributeChanges): void;
  /** What the edges keep with the broker itself, by names of their own. */
  readonly settings: ReadonlyMap<string, string>;
  /** Changes one of them. Durable on return. */
  setSetting(name: string, value: string): void;
  /** Retention of streams that ask for none. */
  readonly retentionMsDefault: number;
  /** Shards that all streams may have together, closed ones that can still be read included. */
  readonly shardCountMax: number;
  /** The stream of that name; undefined when there is none. */
  streamByName(name: string): Stream | undefined;
  /** The stream of that id (32 hex digits); undefined when there is none. */
  streamById(id: string): Stream | undefined;
  /** All streams, ascending by name. */
  listStreams(): readonly Stream[];
  /**
   * Appends records to the shards that their keys hash to, one batch per shard, all with the time now, but for those
   * that `admit` refuses; resolves when every one is durable or has failed. `records` are free again once this returns.
   * Throws stream_not_found or shutting_down.
   */
  appendRecords(stream: Stream, records: RecordTable, admit?: Admission): Promise<AppendOutcomes>;
  /** A producer id that was never given out before, crash or not. Throws disk_full or storage_failed. */
  newProducerId(): number;
  /** Id of this broker's data folder, made once: 32 hex digits. Kafka's cluster id, in base64. */
  readonly clusterId: string;
}
