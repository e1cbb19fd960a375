/** DisableEnhancedMonitoring: recorded and shown; voik's own metrics are always on, at /metrics. */
import { metricsNames, streamReference } from "../members.ts";
import { changeMetrics } from "../monitoring.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";

const input = structure({ ...streamReference, ShardLevelMetrics: required(metricsNames) });

export const disableEnhancedMonitoring = operation(input, (request, context) =>
  changeMetrics(context, request, request.ShardLevelMetrics, (before, named) => before.difference(named)),
);
