/** DescribeStreamSummary: a stream without its shards. Never a StreamId: see members.ts. */
import { RECORD_BYTES_MAX, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";
import { findStream, streamView } from "../stream-view.ts";

export const describeStreamSummary = operation(structure(streamReference), (request, context) => {
  const stream = findStream(context, request);
  return {
    StreamDescriptionSummary: {
      ...streamView(context, stream),
      OpenShardCount: stream.shards.filter((shard) => shard.closedAtMs === undefined).length,
      ConsumerCount: 0,
      MaxRecordSizeInKiB: RECORD_BYTES_MAX / 1024,
    },
  };
});
