/** What the Kinesis edge counts. Series are made at the first use of an operation and status, and kept. */
import type { Counter, Histogram, MetricsRegistry } from "../base/metrics.ts";

export class KinesisMetrics {
  readonly recordsIn: Counter;
  readonly recordsOut: Counter;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  /** By operation, then by status. */
  private readonly requests = new Map<string, Map<number, Counter>>();
  private readonly latencies = new Map<string, Histogram>();

  constructor(private readonly registry: MetricsRegistry) {
    this.recordsIn = registry.counter("voik_kinesis_records_in_total", "Records written through Kinesis.");
    this.recordsOut = registry.counter("voik_kinesis_records_out_total", "Records read through Kinesis.");
    this.bytesIn = registry.counter(
      "voik_kinesis_data_bytes_in_total",
      "Data bytes written through Kinesis.",
    );
    this.bytesOut = registry.counter("voik_kinesis_data_bytes_out_total", "Data bytes read through Kinesis.");
  }

  /** Counts one answered request. `operation` is a name of the table or "unknown": never a client's own text. */
  request(operation: string, status: number, seconds: number): void {
    let counters = this.requests.get(operation);
    if (counters === undefined) this.requests.set(operation, (counters = new Map()));
    let counter = counters.get(status);
    if (counter === undefined) {
      const labels = { operation, status: String(status) };
      counter = this.registry.counter("voik_kinesis_requests_total", "Kinesis requests answered.", labels);
      counters.set(status, counter);
    }
    counter.add();
    let latency = this.latencies.get(operation);
    if (latency === undefined) {
      const help = "Time from a Kinesis request's headers to its reply.";
      latency = this.registry.histogram("voik_kinesis_request_seconds", help, { operation });
      this.latencies.set(operation, latency);
    }
    latency.observe(seconds);
  }
}
