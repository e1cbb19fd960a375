/** UpdateStreamWarmThroughput: of an on-demand stream, recorded and shown. Nothing here needs warming up. */
import { streamArnOf } from "../caller.ts";
import { streamReference, warmThroughputMib } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { modeOf, SETTING, warmThroughputOf } from "../stream-settings.ts";
import { findActive } from "../stream-view.ts";
import { validationError } from "../validation.ts";

const input = structure({ ...streamReference, WarmThroughputMiBps: required(warmThroughputMib) });

export const updateStreamWarmThroughput = operation(input, (request, context) => {
  const stream = findActive(context, request);
  if (modeOf(stream) === "PROVISIONED") {
    throw validationError(
      `Request is invalid. Stream ${stream.name} under account ${context.caller.accountId} is in Provisioned mode.`,
    );
  }
  const changes = new Map([[SETTING.warmMib, String(request.WarmThroughputMiBps)]]);
  context.broker.setAttributes(stream, changes);
  context.transitions.start(stream.id, "UPDATING");
  return {
    StreamName: stream.name,
    StreamARN: streamArnOf(context.caller, stream.name),
    WarmThroughput: warmThroughputOf(stream),
  };
});
