/**
 * Produce: the hot path. Each partition's batch is checked by its header and appended at once, in the order of
 * arrival; the reply waits until every append is on the disk. acks=1 and acks=all promise the same. With acks=0 there
 * is no reply, and an error ends the connection, the only sign that protocol has.
 *
 * One object per partition is both the log's waiter and the reply's struct; nothing else is made per batch.
 */
import { VoikError } from "../../base/errors.ts";
import { Attribute, attributesOf, compressionOf, validateBatch } from "../../log/record-batch.ts";
import type { DurableWaiter, ShardLog } from "../../log/shard-log.ts";
import type { Shard, Stream } from "../../streams/broker.ts";
import type { Call, Handler, Pending } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { shardAt, streamOf } from "../context.ts";
import { clip, KafkaError, kafkaErrorOf } from "../errors.ts";
import type { ProduceRequest, ProduceResponse } from "../messages/00-produce.ts";

type Request = BodyOf<typeof ProduceRequest>;
type Reply = InputOf<typeof ProduceResponse>;

const COMPRESSION_ZSTD = 4;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_IDS = 13;
const NO_RECORD_ERRORS: [] = [];

/** What became of one partition's batch: the log's waiter, and the struct in the reply. */
class PartitionResult implements DurableWaiter {
  errorCode: KafkaError = KafkaError.none;
  errorMessage: string | null = null;
  baseOffset = -1;
  logAppendTimeMs = -1;
  logStartOffset = -1;
  readonly recordErrors = NO_RECORD_ERRORS;

  constructor(
    readonly index: number,
    private readonly produce: PendingProduce,
  ) {}

  refuse(errorCode: KafkaError, errorMessage: string): void {
    this.errorCode = errorCode;
    this.errorMessage = clip(errorMessage);
    this.baseOffset = -1;
    this.produce.failed = true;
  }

  onDurable(log: ShardLog): void {
    this.logStartOffset = log.startOffset;
    this.produce.countDown();
  }

  onAppendFailed(_log: ShardLog, error: VoikError): void {
    this.refuse(kafkaErrorOf(error), error.message);
    this.produce.countDown();
  }
}

/** A Produce request on its way to the disk. */
class PendingProduce implements Pending {
  failed = false;
  readonly responses: Reply["responses"][number][] = [];
  private readonly startedMs: number;
  private aborted = false;
  /** Appends that are not on the disk, and one for the request itself while it is read. */
  private waiting = 1;

  constructor(
    private readonly call: Call,
    readonly acks: number,
  ) {
    this.startedMs = call.context.clock.monotonicMs();
  }

  append(shard: Shard, batch: Buffer, result: PartitionResult): void {
    const { log } = shard;
    if (this.acks === 0) {
      log.append(batch);
    } else {
      this.waiting++;
      try {
        result.baseOffset = log.append(batch, result);
      } catch (error) {
        this.waiting--;
        throw error;
      }
    }
    if (log.congested) this.call.owner.holdFor(log);
  }

  countDown(): void {
    if (--this.waiting > 0 || this.aborted) return;
    const { context } = this.call;
    context.metrics.produceSeconds.observe((context.clock.monotonicMs() - this.startedMs) / 1000);
    if (this.acks !== 0) this.call.reply({ responses: this.responses });
    else if (this.failed) this.call.fail("acks0");
    else this.call.finish();
  }

  /** The appends go on; nobody wants to hear of them. */
  abort(): void {
    this.aborted = true;
  }

  // The disk is not to be hurried, and a failing one is told of by the log.
  hurry(): void {}
  recheck(): void {}
}

export const produceHandler: Handler<Request, Reply> = (request, call) => {
  const pending = new PendingProduce(call, request.acks);
  call.pending = pending;
  const byId = call.version >= FIRST_VERSION_WITH_IDS;
  const refusal = refusalOfRequest(request);
  for (const { name, topicId, partitionData } of request.topicData) {
    const stream = streamOf(call.context.broker, byId, topicId, name);
    const partitionResponses: PartitionResult[] = [];
    for (const { index, records } of partitionData) {
      const result = new PartitionResult(index, pending);
      partitionResponses.push(result);
      if (refusal) result.refuse(...refusal);
      else if (typeof stream === "number")
        result.refuse(stream, `there is no topic ${byId ? topicId : name}`);
      else produceTo(stream, records, result, pending, call);
    }
    pending.responses.push({ name, topicId, partitionResponses });
  }
  pending.countDown();
  return undefined;
};

/** Why nothing of the request can be done. */
function refusalOfRequest({ acks, transactionalId }: Request): [KafkaError, string] | undefined {
  if (acks < -1 || acks > 1) return [KafkaError.invalidRequiredAcks, `acks is 0, 1 or all (-1), not ${acks}`];
  if (transactionalId === null) return undefined;
  return [KafkaError.invalidTxnState, "voik has no transactions: leave transactional.id unset"];
}

function produceTo(
  stream: Stream,
  batch: Buffer | null,
  result: PartitionResult,
  pending: PendingProduce,
  call: Call,
): void {
  const shard = shardAt(stream, result.index);
  if (shard === undefined) {
    const last = stream.shards.at(-1)?.index;
    result.refuse(KafkaError.unknownTopicOrPartition, `${stream.name} has partitions up to ${last}`);
    return;
  }
  try {
    if (shard.closedAtMs !== undefined) throw closedShard(stream, shard);
    if (batch === null) throw new VoikError("batch_invalid", "there is no record batch");
    validateBatch(batch, call.context.batchBytesMax);
    if (compressionOf(batch) === COMPRESSION_ZSTD && call.version < FIRST_VERSION_WITH_ZSTD) {
      throw new VoikError(
        "compression_unsupported",
        "zstd needs Produce version 7 or newer: update the client",
      );
    }
    refuseTransaction(batch);
    pending.append(shard, batch, result);
  } catch (error) {
    result.refuse(kafkaErrorOf(error), (error as VoikError).message);
  }
}

function refuseTransaction(batch: Buffer): void {
  if ((attributesOf(batch) & Attribute.transactional) === 0) return;
  throw new VoikError("unsupported", "voik has no transactions: leave transactional.id unset");
}

function closedShard(stream: Stream, shard: Shard): VoikError {
  const open = stream.shards.filter((other) => other.closedAtMs === undefined).map((other) => other.index);
  return new VoikError(
    "shard_closed",
    `partition ${shard.index} of ${stream.name} was split or merged: write to ${open.join(", ")}`,
  );
}
