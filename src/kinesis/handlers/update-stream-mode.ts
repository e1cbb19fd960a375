/** UpdateStreamMode: recorded and shown. Shards stay as they are; an on-demand stream takes no manual resharding. */
import { streamArn, streamModeDetails, warmThroughputMib } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { checkOnDemandQuota } from "../stream-quotas.ts";
import { modeOf, SETTING } from "../stream-settings.ts";
import { findActive } from "../stream-view.ts";
import { validationError } from "../validation.ts";

const input = structure({
  StreamARN: required(streamArn),
  StreamModeDetails: required(streamModeDetails),
  WarmThroughputMiBps: warmThroughputMib,
});

export const updateStreamMode = operation(input, (request, context) => {
  const { StreamMode: mode } = request.StreamModeDetails;
  const warm = request.WarmThroughputMiBps;
  if (mode === "PROVISIONED" && warm !== undefined) {
    throw validationError("WarmThroughputMiBps can only be set when the stream mode is ON_DEMAND.");
  }
  const stream = findActive(context, request);
  if (mode !== modeOf(stream)) {
    if (mode === "ON_DEMAND") checkOnDemandQuota(context);
    context.throttle?.takeChange("UpdateStreamMode", stream, context.caller);
  }
  const changes = new Map<string, string | undefined>([[SETTING.mode, mode]]);
  if (mode === "PROVISIONED") changes.set(SETTING.warmMib, undefined).set(SETTING.distribution, undefined);
  if (warm !== undefined) changes.set(SETTING.warmMib, String(warm));
  context.broker.setAttributes(stream, changes);
  context.transitions.start(stream.id, "UPDATING");
  return undefined;
});
