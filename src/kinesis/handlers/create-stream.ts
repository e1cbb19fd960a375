/**
 * CreateStream. The stream is ACTIVE when the reply comes: nothing is left to wait for. Without a shard count, as
 * in on-demand mode, it gets 4 shards, as AWS gives. Shard ranges are AWS's own (streams/hash-range.ts).
 */
import { streamModeDetails, streamName } from "../members.ts";
import { operation } from "../operation.ts";
import { integer, required, structure } from "../shapes.ts";
import { VoikError } from "../../base/errors.ts";
import { KinesisError } from "../errors.ts";
import { validationError } from "../validation.ts";

const ON_DEMAND_SHARDS = 4;

const input = structure({
  StreamName: required(streamName),
  ShardCount: integer({ min: 1 }),
  StreamModeDetails: streamModeDetails,
});

export const createStream = operation(input, async (request, { broker, caller }) => {
  const { StreamName: name, ShardCount, StreamModeDetails: mode } = request;
  if (mode?.StreamMode === "ON_DEMAND" && ShardCount !== undefined) {
    throw validationError("ShardCount must not be set when StreamMode is ON_DEMAND.");
  }
  try {
    await broker.createStream({ name, shardCount: ShardCount ?? ON_DEMAND_SHARDS });
  } catch (error) {
    if (!(error instanceof VoikError && error.code === "stream_exists")) throw error;
    throw new KinesisError(
      "ResourceInUseException",
      `Stream ${name} under account ${caller.accountId} already exists.`,
    );
  }
  return undefined;
});
