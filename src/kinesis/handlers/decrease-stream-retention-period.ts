/** DecreaseStreamRetentionPeriod: holds from the reply on for everything that the stream's logs still have. */
import { retentionHours, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { changeRetention } from "../retention-rules.ts";
import { required, structure } from "../shapes.ts";

const input = structure({ ...streamReference, RetentionPeriodHours: required(retentionHours) });

export const decreaseStreamRetentionPeriod = operation(input, (request, context) => {
  changeRetention(context, request, request.RetentionPeriodHours, "shorter");
  return undefined;
});
