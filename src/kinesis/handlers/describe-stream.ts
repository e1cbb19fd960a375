/** DescribeStream: a stream and a page of its shards, at most 100 a page as AWS has it, closed ones included. */
import { pageLimit, shardId, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";
import { parseShardId, shardView } from "../shard-view.ts";
import { findShownStream, shownShards, streamView } from "../stream-view.ts";
import { invalidArgument } from "../errors.ts";

const PAGE_MAX = 100;

const input = structure({ ...streamReference, Limit: pageLimit, ExclusiveStartShardId: shardId });

export const describeStream = operation(input, (request, context) => {
  const stream = findShownStream(context, request);
  let shards = shownShards(context, stream);
  if (request.ExclusiveStartShardId !== undefined) {
    const after = parseShardId(request.ExclusiveStartShardId);
    if (after === undefined)
      throw invalidArgument(`Invalid ExclusiveStartShardId: ${request.ExclusiveStartShardId}`);
    shards = shards.filter((shard) => shard.index > after);
  }
  const page = shards.slice(0, Math.min(request.Limit ?? PAGE_MAX, PAGE_MAX));
  return {
    StreamDescription: {
      ...streamView(context, stream),
      Shards: page.map(shardView),
      HasMoreShards: page.length < shards.length,
    },
  };
});
