/** UpdateStreamRecordDistributionStrategy: by partition key or in turn (distribution.ts); holds for the next put. */
import { checkDistribution } from "../distribution.ts";
import { distributionStrategy, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { modeOf, SETTING } from "../stream-settings.ts";
import { findActive } from "../stream-view.ts";

const input = structure({
  StreamARN: required(streamArn),
  RecordDistributionStrategy: required(distributionStrategy),
});

export const updateStreamRecordDistributionStrategy = operation(input, (request, context) => {
  const stream = findActive(context, request);
  const { RecordDistributionStrategy: distribution } = request;
  checkDistribution(distribution, modeOf(stream));
  context.broker.setAttributes(stream, new Map([[SETTING.distribution, distribution]]));
  return undefined;
});
