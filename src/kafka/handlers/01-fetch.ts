/**
 * Fetch: finds whole batches up to the durable end and answers with ranges of the log files, which go to the socket
 * without being read. With less than min_bytes there it waits, as a listener on the logs, for at most max_wait; while
 * it waits it holds no range, so nothing is kept open for a sleeping client.
 *
 * Sessions (KIP-227) are declined: the answer to a wish for one is session id 0, and clients then send all
 * partitions each time. The durable end is the high watermark. With read_committed (KIP-98) ranges end at the last
 * stable offset, and the reply names the aborted transactions in them: leaving out their records is the client's
 * work, so these ranges too go out unread. At least one batch is sent however small the wish, if it is the first of the answer (KIP-74).
 */
import type { Timer } from "../../base/clock.ts";
import type { AbortedTransaction, LogRange, ShardLog, TailListener } from "../../log/shard-log.ts";
import type { Call, Handler, Pending } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { EMPTY_BYTES } from "../codec/reader.ts";
import { epochError, NO_TOPIC_ID, shardAt, streamOf } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import type { FetchRequest, FetchResponse } from "../messages/01-fetch.ts";

type Request = BodyOf<typeof FetchRequest>;
type WantedPartition = Request["topics"][number]["partitions"][number];
type Reply = InputOf<typeof FetchResponse>;
type Partition = Reply["responses"][number]["partitions"][number];

const FIRST_VERSION_WITH_IDS = 13;
const READ_COMMITTED = 1;

/** One look at all partitions: what a reply would hold now. */
interface Gathered {
  reply: Reply;
  bytes: number;
  /** A partition can't be read: the client should hear of it at once. */
  failed: boolean;
}

class PendingFetch implements Pending, TailListener {
  private readonly logs = new Set<ShardLog>();
  private readonly bytesMax: number;
  private timer: Timer | undefined;
  private lookPlanned = false;
  private over = false;
  private answered: Gathered | undefined;

  constructor(
    private readonly request: Request,
    private readonly call: Call,
  ) {
    const { fetchBytesMax } = call.context.limits;
    this.bytesMax = Math.min(Math.max(request.maxBytes, 0), fetchBytesMax);
  }

  /** Answers now if there is enough, else when there is or when the time is up. */
  start(): void {
    const { request, call } = this;
    call.pending = this;
    const waitMs = Math.min(request.maxWaitMs, call.context.limits.fetchWaitMsMax);
    const gathered = this.gather();
    if (waitMs <= 0 || this.isEnough(gathered)) {
      this.answer(gathered);
      return;
    }
    release(gathered);
    for (const log of this.logs) log.addTailListener(this);
    this.timer = call.context.clock.after(waitMs, () => this.hurry());
  }

  onDurableEnd(): void {
    if (this.lookPlanned) return;
    this.lookPlanned = true;
    // Not inside the log's commit, and once for all logs that one commit moves.
    queueMicrotask(() => {
      this.lookPlanned = false;
      if (this.over) return;
      const gathered = this.gather();
      if (this.isEnough(gathered)) this.answer(gathered);
      else release(gathered);
    });
  }

  hurry(): void {
    if (!this.over) this.answer(this.gather());
  }

  /** A deleted stream's log has nothing more to say, so its listeners never hear of it. */
  recheck(): void {
    const byId = this.call.version >= FIRST_VERSION_WITH_IDS;
    const { broker } = this.call.context;
    const gone = this.request.topics.some(
      (t) => typeof streamOf(broker, byId, t.topicId, t.topic) === "number",
    );
    if (gone) this.hurry();
  }

  abort(): void {
    this.stopWaiting();
    if (this.answered) release(this.answered);
  }

  private isEnough({ bytes, failed, reply }: Gathered): boolean {
    const { minBytes } = this.request;
    return failed || bytes >= Math.min(minBytes, this.bytesMax) || reply.responses.length === 0;
  }

  private answer(gathered: Gathered): void {
    this.stopWaiting();
    this.answered = gathered;
    this.call.reply(gathered.reply);
  }

  private stopWaiting(): void {
    this.over = true;
    this.timer?.cancel();
    for (const log of this.logs) log.removeTailListener(this);
  }

  private gather(): Gathered {
    const { broker } = this.call.context;
    const byId = this.call.version >= FIRST_VERSION_WITH_IDS;
    const gathered: Gathered = { reply: { responses: [] }, bytes: 0, failed: false };
    const responses: Reply["responses"][number][] = [];
    for (const { topic, topicId, partitions } of this.request.topics) {
      const stream = streamOf(broker, byId, topicId, topic);
      const answers: Partition[] = [];
      for (const wanted of partitions) {
        const log = typeof stream === "number" ? undefined : shardAt(stream, wanted.partition)?.log;
        if (log) this.logs.add(log);
        const missing = typeof stream === "number" ? stream : KafkaError.unknownTopicOrPartition;
        answers.push(log ? this.read(log, wanted, gathered) : unread(wanted, missing, gathered));
      }
      responses.push({ topic, topicId: byId ? topicId : NO_TOPIC_ID, partitions: answers });
    }
    gathered.reply = { responses };
    return gathered;
  }

  private read(log: ShardLog, wanted: WantedPartition, gathered: Gathered): Partition {
    const errorCode = epochError(wanted.currentLeaderEpoch);
    if (errorCode !== KafkaError.none) return unread(wanted, errorCode, gathered);
    try {
      const left = this.bytesMax - gathered.bytes;
      const { rangeBytesMax } = this.call.context;
      const most = Math.max(0, Math.min(wanted.partitionMaxBytes, left, rangeBytesMax));
      const mayRead = left > 0 || gathered.bytes === 0;
      const committed = this.request.isolationLevel === READ_COMMITTED;
      const { stableEnd } = log;
      const until = committed ? stableEnd : undefined;
      let range = mayRead ? log.locate(wanted.fetchOffset, most, until) : undefined;
      if (range && range.bytes > most && gathered.bytes > 0) {
        range.release();
        range = undefined;
      }
      gathered.bytes += range?.bytes ?? 0;
      return {
        partitionIndex: wanted.partition,
        errorCode,
        highWatermark: log.durableEnd,
        lastStableOffset: stableEnd,
        logStartOffset: log.startOffset,
        abortedTransactions: committed ? abortedIn(log, range) : null,
        records: range ?? EMPTY_BYTES,
      };
    } catch (error) {
      return unread(wanted, kafkaErrorOf(error), gathered);
    }
  }
}

function abortedIn(log: ShardLog, range: LogRange | undefined): readonly AbortedTransaction[] {
  return range ? log.abortedIn(range.baseOffset, range.endOffset) : [];
}

function unread(wanted: WantedPartition, errorCode: KafkaError, gathered: Gathered): Partition {
  gathered.failed = true;
  return {
    partitionIndex: wanted.partition,
    errorCode,
    highWatermark: -1,
    abortedTransactions: null,
    records: EMPTY_BYTES,
  };
}

/** Lets go of the ranges of an answer that is not sent. */
function release({ reply }: Gathered): void {
  for (const { partitions } of reply.responses) {
    for (const { records } of partitions) {
      if (records !== null && !Buffer.isBuffer(records)) records.release();
    }
  }
}

export const fetchHandler: Handler<Request, Reply> = (request, call) => {
  if (request.sessionEpoch > 0) return { errorCode: KafkaError.fetchSessionIdNotFound, responses: [] };
  new PendingFetch(request, call).start();
  return undefined;
};
