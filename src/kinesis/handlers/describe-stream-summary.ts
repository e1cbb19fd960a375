/** DescribeStreamSummary: a stream without its shards. Never a StreamId: see members.ts. */
import { consumersOf } from "../consumers.ts";
import { streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";
import { distributionOf, maxRecordKibOf, modeOf, warmThroughputOf } from "../stream-settings.ts";
import { findShownStream, streamView } from "../stream-view.ts";

export const describeStreamSummary = operation(structure(streamReference), (request, context) => {
  const stream = findShownStream(context, request);
  return {
    StreamDescriptionSummary: {
      ...streamView(context, stream),
      OpenShardCount: stream.shards.filter((shard) => shard.closedAtMs === undefined).length,
      ConsumerCount: consumersOf(stream).length,
      MaxRecordSizeInKiB: maxRecordKibOf(stream),
      ChannelCount: 0,
      WarmThroughput: warmThroughputOf(stream),
      RecordDistributionStrategy: modeOf(stream) === "ON_DEMAND" ? distributionOf(stream) : undefined,
    },
  };
});
