/** DeleteRecords: what lies before an offset is gone for readers, durably, before it is answered. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, shardAt } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import type { DeleteRecordsRequest, DeleteRecordsResponse } from "../messages/21-delete-records.ts";

type Request = BodyOf<typeof DeleteRecordsRequest>;
type Reply = InputOf<typeof DeleteRecordsResponse>;
type Result = Reply["topics"][number]["partitions"][number];

const HIGH_WATERMARK = -1;
const NO_OFFSET = -1;

export const deleteRecordsHandler: Handler<Request, Reply> = async (request, { context }) => {
  const topics: Reply["topics"][number][] = [];
  for (const { name, partitions } of request.topics) {
    const results: Result[] = [];
    for (const { partitionIndex, offset } of partitions)
      results.push(await deleteBefore(context, name, partitionIndex, offset));
    topics.push({ name, partitions: results });
  }
  return { throttleTimeMs: 0, topics };
};

async function deleteBefore(
  { broker }: KafkaContext,
  name: string,
  partitionIndex: number,
  offset: number,
): Promise<Result> {
  const refuse = (errorCode: KafkaError) => ({ partitionIndex, lowWatermark: NO_OFFSET, errorCode });
  const stream = broker.streamByName(name);
  const log = stream && shardAt(stream, partitionIndex)?.log;
  if (!log) return refuse(KafkaError.unknownTopicOrPartition);
  try {
    const before = offset === HIGH_WATERMARK ? log.durableEnd : offset;
    if (before < 0 || before > log.durableEnd) return refuse(KafkaError.offsetOutOfRange);
    if (before > log.startOffset) await log.trimTo(before);
    return { partitionIndex, lowWatermark: log.startOffset, errorCode: KafkaError.none };
  } catch (error) {
    return refuse(kafkaErrorOf(error));
  }
}
