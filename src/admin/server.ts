/** The admin port: GET /livez, /readyz and /metrics, plain text, for probes and Prometheus. */
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Health } from "./health.ts";

export interface AdminOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  health: Health;
  metrics: MetricsRegistry;
}

export interface AdminServer {
  readonly port: number;
  /** Closes the connections that have no request in work; returns how many. */
  closeIdle(): number;
  stop(): Promise<void>;
}

const REQUEST_BYTES_MAX = 64 * 1024;
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Starts listening. Throws the system's error (EADDRINUSE, …) when it can't. */
export function startAdminServer({ host, port, health, metrics }: AdminOptions): AdminServer {
  const pages: Record<string, () => Response> = {
    "/livez": () => new Response("alive\n"),
    "/readyz": () => new Response(`${health.phase}\n`, { status: health.ready ? 200 : 503 }),
    "/metrics": () => new Response(metrics.render(), { headers: { "content-type": METRICS_TYPE } }),
  };
  const server = Bun.serve({
    hostname: host,
    port,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    idleTimeout: 30,
    development: false,
    // Or Bun shares the port with another process, as soon as `development` is off.
    reusePort: false,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
      if (!page) return new Response(`there is nothing at ${pathname}\n`, { status: 404 });
      if (request.method === "GET" || request.method === "HEAD") return page();
      return new Response("only GET is allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
    },
    error: () => new Response("voik failed to answer\n", { status: 500 }),
  });
  return {
    port: server.port ?? port,
    closeIdle: () => server.closeIdleConnections(),
    stop: () => server.stop(true),
  };
}
