/** Metrics of the process itself, under the names that Prometheus clients agree on. */
import type { Clock } from "../base/clock.ts";
import type { MetricsRegistry } from "../base/metrics.ts";

/** Registers build, memory, processor and start time. */
export function registerProcessMetrics(metrics: MetricsRegistry, clock: Clock, version: string): void {
  metrics
    .gauge("voik_build_info", "Version of voik and of its runtime; always 1.", { version, bun: Bun.version })
    .set(1);
  metrics
    .gauge("process_start_time_seconds", "When the process started, in seconds since 1970.")
    .set(Math.round(clock.nowMs() / 1000 - process.uptime()));
  metrics.gauge("process_resident_memory_bytes", "Resident memory.", {}, () => process.memoryUsage.rss());
  metrics.gauge("process_cpu_seconds_total", "Processor time used, user and system.", {}, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
