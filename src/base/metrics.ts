/**
 * Counters, gauges and histograms in the Prometheus text exposition format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Updating one is an addition: no lookup, no
 * allocation. Ask the registry for an instrument once, at start, and keep it.
 */

type Labels = Record<string, string>;

interface Family {
  help: string;
  type: "counter" | "gauge" | "histogram";
  series: Map<string, { render(name: string, labels: string): string }>;
}

export class Counter {
  value = 0;
  add(amount = 1): void {
    this.value += amount;
  }
  render(name: string, labels: string): string {
    return `${name}${braces(labels)} ${this.value}\n`;
  }
}

/** A gauge is set, or computed by `read` when it is scraped. */
export class Gauge {
  value = 0;
  constructor(private readonly read?: () => number) {}
  set(value: number): void {
    this.value = value;
  }
  render(name: string, labels: string): string {
    return `${name}${braces(labels)} ${this.read ? this.read() : this.value}\n`;
  }
}

export class Histogram {
  private readonly counts: Float64Array;
  private sum = 0;
  private count = 0;

  /** `bounds`: upper bounds of the buckets, ascending, in the metric's own unit. */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.bounds.length; i++) {
      if (value <= (this.bounds[i] as number)) {
        this.counts[i] = (this.counts[i] as number) + 1;
        return;
      }
    }
  }

  render(name: string, labels: string): string {
    const comma = labels === "" ? "" : ",";
    let out = "";
    let below = 0;
    this.bounds.forEach((bound, i) => {
      below += this.counts[i] as number;
      out += `${name}_bucket{${labels}${comma}le="${bound}"} ${below}\n`;
    });
    out += `${name}_bucket{${labels}${comma}le="+Inf"} ${this.count}\n`;
    return `${out}${name}_sum${braces(labels)} ${this.sum}\n${name}_count${braces(labels)} ${this.count}\n`;
  }
}

/** Buckets for latencies in seconds, 0.1 ms to 10 s. */
export const LATENCY_BUCKETS_S = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export class MetricsRegistry {
  private readonly families = new Map<string, Family>();

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.series(name, help, "counter", labels, () => new Counter());
  }

  gauge(name: string, help: string, labels: Labels = {}, read?: () => number): Gauge {
    return this.series(name, help, "gauge", labels, () => new Gauge(read));
  }

  histogram(name: string, help: string, labels: Labels = {}, bounds = LATENCY_BUCKETS_S): Histogram {
    return this.series(name, help, "histogram", labels, () => new Histogram(bounds));
  }

  /** The whole registry as Prometheus text. */
  render(): string {
    let out = "";
    for (const [name, family] of this.families) {
      out += `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`;
      for (const [labels, series] of family.series) out += series.render(name, labels);
    }
    return out;
  }

  private series<T extends { render(name: string, labels: string): string }>(
    name: string,
    help: string,
    type: Family["type"],
    labels: Labels,
    make: () => T,
  ): T {
    let family = this.families.get(name);
    if (!family) this.families.set(name, (family = { help, type, series: new Map() }));
    const key = Object.entries(labels)
      .map(
        ([label, value]) => `${label}="${value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
      )
      .join(",");
    let series = family.series.get(key) as T | undefined;
    if (!series) family.series.set(key, (series = make()));
    return series;
  }
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
