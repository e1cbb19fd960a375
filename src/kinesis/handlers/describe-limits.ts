/** DescribeLimits: voik's own limit of shards, and AWS's of on-demand streams (stream-quotas.ts). */
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";
import { ON_DEMAND_STREAMS_MAX } from "../stream-quotas.ts";
import { modeOf } from "../stream-settings.ts";

export const describeLimits = operation(structure({}), (_request, { broker }) => {
  const streams = broker.listStreams();
  const open = streams.flatMap((stream) => stream.shards).filter((shard) => shard.closedAtMs === undefined);
  return {
    ShardLimit: broker.shardCountMax,
    OpenShardCount: open.length,
    OnDemandStreamCount: streams.filter((stream) => modeOf(stream) === "ON_DEMAND").length,
    OnDemandStreamCountLimit: ON_DEMAND_STREAMS_MAX,
    ChannelCount: 0,
    ChannelCountLimit: 0,
  };
});
