/** DescribeLimits: voik's own limit of shards, and AWS's of on-demand streams, which is shown and not enforced. */
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";
import { modeOf } from "../stream-settings.ts";

const ON_DEMAND_STREAMS_MAX = 50;

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
