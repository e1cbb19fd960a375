/** DescribeLogDirs: the data folder, the bytes of each partition in it, and the volume's size. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { DescribeLogDirsRequest, DescribeLogDirsResponse } from "../messages/35-describe-log-dirs.ts";

export const describeLogDirsHandler: Handler<
  BodyOf<typeof DescribeLogDirsRequest>,
  InputOf<typeof DescribeLogDirsResponse>
> = ({ topics }, { context }) => {
  const wanted = topics && new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  const described = context.broker.listStreams().flatMap(({ name, shards }) => {
    const indexes = wanted?.get(name);
    if (wanted && !indexes) return [];
    const there = shards.filter(({ index }) => !indexes || indexes.has(index));
    const partitions = there.map(({ index, log }) => ({
      partitionIndex: index,
      partitionSize: log.sizeBytes,
      offsetLag: 0,
      isFutureKey: false,
    }));
    return partitions.length > 0 ? [{ name, partitions }] : [];
  });
  const { folder, sizes } = context.dataVolume;
  const result = { errorCode: KafkaError.none, logDir: folder, topics: described, ...sizes() };
  return { throttleTimeMs: 0, errorCode: KafkaError.none, results: [result] };
};
