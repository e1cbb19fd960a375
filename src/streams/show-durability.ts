/** What a stream's acknowledgements mean, shown where people look: in the log at the start, and in the metrics. */
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import { DURABILITIES, type Durability } from "../log/log-factory.ts";
import type { Broker } from "./broker.ts";

/** Says how many streams acknowledge what a crash of the machine may lose, now in the log and always in the metrics. */
export function showDurability(
  broker: Pick<Broker, "listStreams">,
  { logger, metrics }: { logger: Logger; metrics: MetricsRegistry },
): void {
  const count = (durability: Durability) =>
    broker.listStreams().filter((stream) => stream.durability === durability).length;
  for (const durability of DURABILITIES) {
    const help = "Streams by durability: acknowledged when synced, or when written (os).";
    metrics.gauge("voik_streams", help, { durability }, () => count(durability));
  }
  const streams = count("os");
  if (streams > 0) logger.warn("acknowledged before they are synced (durability os)", { streams });
}
