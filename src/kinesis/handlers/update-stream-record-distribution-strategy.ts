/** UpdateStreamRecordDistributionStrategy: by partition key, the only one that voik has, or a modelled error. */
import { distributionStrategy, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { checkDistribution } from "../put-rules.ts";
import { required, structure } from "../shapes.ts";
import { findActive } from "../stream-view.ts";

const input = structure({
  StreamARN: required(streamArn),
  RecordDistributionStrategy: required(distributionStrategy),
});

export const updateStreamRecordDistributionStrategy = operation(input, (request, context) => {
  findActive(context, request);
  checkDistribution(request.RecordDistributionStrategy);
  return undefined;
});
