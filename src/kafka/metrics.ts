/** The Kafka edge's instruments, asked for once at start. Names are part of the product: docs list them. */
import type { Counter, Histogram, MetricsRegistry } from "../base/metrics.ts";
import type { FrameFault } from "./codec/reader.ts";

/** Why a connection was ended by voik. */
export type CloseReason =
  FrameFault | "acks0" | "connections" | "descriptors" | "idle" | "slow" | "login" | "tls";

export class KafkaMetrics {
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly throttled: Counter;
  readonly failedLogins: Counter;
  readonly produceSeconds: Histogram;
  private readonly requests = new Map<string, Counter>();
  private readonly closed = new Map<CloseReason, Counter>();

  constructor(
    private readonly registry: MetricsRegistry,
    connections: () => number,
  ) {
    this.bytesIn = registry.counter("voik_kafka_bytes_in_total", "Bytes read from Kafka clients.");
    this.bytesOut = registry.counter("voik_kafka_bytes_out_total", "Bytes sent to Kafka clients.");
    this.throttled = registry.counter(
      "voik_kafka_throttled_total",
      "Requests whose client was over its byte rate.",
    );
    this.failedLogins = registry.counter("voik_kafka_failed_logins_total", "Logins that failed.");
    this.produceSeconds = registry.histogram(
      "voik_kafka_produce_seconds",
      "Time from a Produce request's arrival to its acknowledgement.",
    );
    registry.gauge("voik_kafka_connections", "Open Kafka connections.", {}, connections);
  }

  /** The counter of an API's requests. */
  requestsOf(api: string): Counter {
    let counter = this.requests.get(api);
    if (counter === undefined) {
      counter = this.registry.counter("voik_kafka_requests_total", "Requests by API.", { api });
      this.requests.set(api, counter);
    }
    return counter;
  }

  /** Counts a connection that voik ended. */
  countClosed(reason: CloseReason): void {
    let counter = this.closed.get(reason);
    if (counter === undefined) {
      const help = "Connections ended by voik, by reason.";
      counter = this.registry.counter("voik_kafka_connections_ended_total", help, { reason });
      this.closed.set(reason, counter);
    }
    counter.add();
  }
}
