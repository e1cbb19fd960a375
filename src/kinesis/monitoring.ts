/** What Enable- and DisableEnhancedMonitoring share: the set of metrics, before and after. Recorded and shown. */
import { streamArnOf } from "./caller.ts";
import type { RequestContext } from "./operation.ts";
import { METRICS, metricsOf, SETTING } from "./stream-settings.ts";
import { findActive, type StreamReference } from "./stream-view.ts";

/** Sets a stream's shard-level metrics to what `change` makes of them; `named` may hold ALL. */
export function changeMetrics(
  context: RequestContext,
  reference: StreamReference,
  named: readonly string[],
  change: (before: ReadonlySet<string>, named: ReadonlySet<string>) => ReadonlySet<string>,
): object {
  const stream = findActive(context, reference);
  const before = metricsOf(stream);
  const after = change(new Set(before), new Set(named.includes("ALL") ? METRICS : named));
  const text = after.size === 0 ? undefined : [...after].join(",");
  context.broker.setAttributes(stream, new Map([[SETTING.metrics, text]]));
  context.transitions.start(stream.id, "UPDATING");
  return {
    StreamName: stream.name,
    StreamARN: streamArnOf(context.caller, stream.name),
    CurrentShardLevelMetrics: before,
    DesiredShardLevelMetrics: metricsOf(stream),
  };
}
