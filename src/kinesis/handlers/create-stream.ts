/**
 * CreateStream. Without a shard count, as in on-demand mode, a stream gets 4 shards, as AWS gives. Shard ranges are
 * AWS's own (streams/hash-range.ts). The stream is there when the reply comes; CREATING is shown for the transition
 * time.
 */
import { VoikError } from "../../base/errors.ts";
import { resourceInUse } from "../errors.ts";
import {
  distributionStrategy,
  maxRecordKib,
  streamModeDetails,
  streamName,
  tagMap,
  warmThroughputMib,
} from "../members.ts";
import { operation, type RequestContext } from "../operation.ts";
import { checkDistribution } from "../distribution.ts";
import { checkShardLimit } from "../reshard-rules.ts";
import { type InputOf, integer, required, structure } from "../shapes.ts";
import { checkStreamQuotas } from "../stream-quotas.ts";
import { SETTING } from "../stream-settings.ts";
import { tagAttributes, withTags } from "../tags.ts";
import { validationError } from "../validation.ts";

const ON_DEMAND_SHARDS = 4;

const input = structure({
  StreamName: required(streamName),
  ShardCount: integer({ min: 1 }),
  StreamModeDetails: streamModeDetails,
  Tags: tagMap,
  WarmThroughputMiBps: warmThroughputMib,
  MaxRecordSizeInKiB: maxRecordKib,
  RecordDistributionStrategy: distributionStrategy,
});

export const createStream = operation(input, async (request, context) => {
  const { StreamName: name, ShardCount: shardCount = ON_DEMAND_SHARDS } = request;
  const { broker, caller, transitions, retentionMs } = context;
  const attributes = attributesOf(request, context);
  const exists = () => resourceInUse(`Stream ${name} under account ${caller.accountId} already exists.`);
  if (broker.streamByName(name) !== undefined || transitions.deleting(name) !== undefined) throw exists();
  checkStreamQuotas(context, request.StreamModeDetails?.StreamMode);
  checkShardLimit(context, shardCount);
  try {
    const stream = await broker.createStream({ name, shardCount, retentionMs, attributes });
    transitions.start(stream.id, "CREATING");
  } catch (error) {
    throw error instanceof VoikError && error.code === "stream_exists" ? exists() : error;
  }
  return undefined;
});

/** What the request sets beyond shards. Throws when its parts contradict each other. */
function attributesOf(request: InputOf<typeof input>, { caller }: RequestContext): Map<string, string> {
  const { StreamModeDetails: details, Tags: tags = new Map<string, string>() } = request;
  const mode = details?.StreamMode;
  if (mode === "ON_DEMAND" && request.ShardCount !== undefined) {
    throw validationError("ShardCount must not be set when StreamMode is ON_DEMAND.");
  }
  if (mode !== "ON_DEMAND" && request.WarmThroughputMiBps !== undefined) {
    throw validationError("WarmThroughputMiBps can only be set when StreamMode is ON_DEMAND.");
  }
  const { RecordDistributionStrategy: distribution } = request;
  checkDistribution(distribution, mode);
  const attributes = withTags(
    new Map(),
    tags,
    `stream ${request.StreamName} under account ${caller.accountId}`,
  );
  const set = tagAttributes(attributes);
  if (mode !== undefined) set.set(SETTING.mode, mode);
  if (distribution !== undefined) set.set(SETTING.distribution, distribution);
  if (request.MaxRecordSizeInKiB !== undefined) {
    set.set(SETTING.maxRecordKib, String(request.MaxRecordSizeInKiB));
  }
  if (request.WarmThroughputMiBps !== undefined)
    set.set(SETTING.warmMib, String(request.WarmThroughputMiBps));
  return set;
}
