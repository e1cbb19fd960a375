/**
 * Produce: the hot path. Each partition's batch is checked by its header and appended at once, in the order of
 * arrival; the reply waits until every append is on the disk. acks=1 and acks=all promise the same. With acks=0 there
 * is no reply, and an error ends the connection, the only sign that protocol has.
 *
 * One object per partition is both the log's waiter and the reply's struct; nothing else is made per batch.
 *
 * A batch of a transaction is appended only if its transaction has that partition and is under way. From version 12 on
 * (KIP-890) the first one takes its partition in: it is copied, and appended when that survives a crash.
 */
import { VoikError } from "../../base/errors.ts";
import { isTransactional } from "../../log/control-batch.ts";
import { compressionOf, producerEpochOf, producerIdOf } from "../../log/record-batch.ts";
import type { DurableWaiter, ShardLog } from "../../log/shard-log.ts";
import type { Shard, Stream } from "../../streams/broker.ts";
import { type Identity, shardKey, type TransactionFailure } from "../../transactions/transaction.ts";
import { isFailure } from "../../transactions/transactions.ts";
import { acceptBatch } from "../accepted-batch.ts";
import type { Call, Handler, Pending } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { shardAt, streamOf } from "../context.ts";
import { clip, KafkaError, kafkaErrorOf } from "../errors.ts";
import type { ProduceRequest, ProduceResponse } from "../messages/00-produce.ts";
import { writeErrorOf } from "../transaction-errors.ts";

type Request = BodyOf<typeof ProduceRequest>;
type Reply = InputOf<typeof ProduceResponse>;

const COMPRESSION_ZSTD = 4;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_ABORTABLE = 11;
const FIRST_VERSION_THAT_ADDS = 12;
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
    this.refuse(kafkaErrorOf(error), error.messageToClients);
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

  /** Appends once the transaction has taken the shard in; `batch` is copied. */
  appendWhenJoined(id: string, by: Identity, shard: Shard, batch: Buffer, result: PartitionResult): void {
    const { transactions } = this.call.context;
    const key = shardKey(shard.stream.id, shard.index);
    const copy = Buffer.from(batch);
    this.waiting++;
    void transactions.join(id, by, key).then((joined) => {
      const failure = isFailure(joined) ? joined : transactions.refusal(id, by, key);
      if (failure) result.refuse(...refusalOfTransaction(failure, this.call));
      else this.appendOrRefuse(shard, copy, result);
      this.countDown();
    });
  }

  appendOrRefuse(shard: Shard, batch: Buffer, result: PartitionResult): void {
    try {
      if (shard.closedAtMs !== undefined) throw closedShard(shard.stream, shard);
      this.append(shard, batch, result);
    } catch (error) {
      result.refuse(kafkaErrorOf(error), (error as VoikError).messageToClients);
    }
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
      else produceTo(stream, records, result, pending, call, request.transactionalId);
    }
    pending.responses.push({ name, topicId, partitionResponses });
  }
  pending.countDown();
  return undefined;
};

/** Why nothing of the request can be done. */
function refusalOfRequest({ acks, transactionalId }: Request): [KafkaError, string] | undefined {
  if (acks < -1 || acks > 1) return [KafkaError.invalidRequiredAcks, `acks is 0, 1 or all (-1), not ${acks}`];
  if (transactionalId === null || acks === -1) return undefined;
  return [KafkaError.invalidRequiredAcks, "a transaction is written with acks=all"];
}

function produceTo(
  stream: Stream,
  batch: Buffer | null,
  result: PartitionResult,
  pending: PendingProduce,
  call: Call,
  transactionalId: string | null,
): void {
  const shard = shardAt(stream, result.index);
  if (shard === undefined) {
    const last = stream.shards.at(-1)?.index;
    result.refuse(KafkaError.unknownTopicOrPartition, `${stream.name} has partitions up to ${last}`);
    return;
  }
  try {
    if (batch === null) throw new VoikError("batch_invalid", "there is no record batch");
    const { clock, batchBytesMax } = call.context;
    const nowMs = clock.nowMs();
    const accepted = acceptBatch(batch, stream.settings, batchBytesMax, nowMs);
    // One that was stored before the shard closed, and is sent again because its answer was lost, has its old answer.
    if (shard.closedAtMs !== undefined && !shard.log.holds(accepted)) throw closedShard(stream, shard);
    if (stream.settings.timestamps === "arrival") result.logAppendTimeMs = nowMs;
    if (compressionOf(batch) === COMPRESSION_ZSTD && call.version < FIRST_VERSION_WITH_ZSTD) {
      throw new VoikError(
        "compression_unsupported",
        "zstd needs Produce version 7 or newer: update the client",
      );
    }
    if (!isTransactional(accepted)) pending.append(shard, accepted, result);
    else if (transactionalId === null)
      throw new VoikError("transaction_invalid", "a batch of a transaction comes with its transactional id");
    else produceInTransaction(transactionalId, shard, accepted, result, pending, call);
  } catch (error) {
    result.refuse(kafkaErrorOf(error), (error as VoikError).messageToClients);
  }
}

function produceInTransaction(
  id: string,
  shard: Shard,
  batch: Buffer,
  result: PartitionResult,
  pending: PendingProduce,
  call: Call,
): void {
  const by = { producerId: producerIdOf(batch), producerEpoch: producerEpochOf(batch) };
  const failure = call.context.transactions.refusal(id, by, shardKey(shard.stream.id, shard.index));
  if (failure === undefined) pending.append(shard, batch, result);
  else if (failure === "state_invalid" && call.version >= FIRST_VERSION_THAT_ADDS)
    pending.appendWhenJoined(id, by, shard, batch, result);
  else result.refuse(...refusalOfTransaction(failure, call));
}

const WHY: Record<TransactionFailure, string> = {
  id_invalid: "the transactional id is empty or too long",
  timeout_invalid: "the transaction's timeout is not allowed",
  producer_unknown: "the transactional id belongs to another producer id: start the producer again",
  producer_fenced: "another producer has taken the transactional id, or the transaction took too long",
  ending: "the transaction before is still ending: try again",
  state_invalid: "the transaction has not taken this partition in, or is over",
  limit_exceeded: "the transaction has too many partitions and groups",
  unavailable: "the transaction can't go on now: try again",
};

function refusalOfTransaction(failure: TransactionFailure, { version }: Call): [KafkaError, string] {
  return [writeErrorOf(failure, version >= FIRST_VERSION_WITH_ABORTABLE), WHY[failure]];
}

function closedShard(stream: Stream, shard: Shard): VoikError {
  const open = stream.shards.filter((other) => other.closedAtMs === undefined).map((other) => other.index);
  return new VoikError(
    "shard_closed",
    `partition ${shard.index} of ${stream.name} was split or merged: write to ${open.join(", ")}`,
  );
}
