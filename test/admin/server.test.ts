/** The admin port over real sockets: probes, metrics, and plain answers to everything else. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Health } from "../../src/admin/health.ts";
import { registerProcessMetrics } from "../../src/admin/process-metrics.ts";
import { type AdminServer, startAdminServer } from "../../src/admin/server.ts";
import { systemClock } from "../../src/base/clock.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";

let health: Health;
let metrics: MetricsRegistry;
let server: AdminServer;
const at = (path: string) => `http://127.0.0.1:${server.port}${path}`;

beforeEach(() => {
  health = new Health();
  metrics = new MetricsRegistry();
  server = startAdminServer({ host: "127.0.0.1", port: 0, health, metrics });
});

afterEach(() => server.stop());

test("/livez is 200 in every phase", async () => {
  for (const phase of ["starting", "ready", "stopping", "failed"] as const) {
    health.phase = phase;
    expect((await fetch(at("/livez"))).status).toBe(200);
  }
});

test("/readyz is 200 while ready and 503 otherwise, and says why", async () => {
  const answer = async () => {
    const response = await fetch(at("/readyz"));
    return `${response.status} ${await response.text()}`;
  };
  expect(await answer()).toBe("503 starting\n");
  health.phase = "ready";
  expect(await answer()).toBe("200 ready\n");
  health.phase = "stopping";
  expect(await answer()).toBe("503 stopping\n");
});

test("/metrics is Prometheus text", async () => {
  metrics.counter("voik_tests_total", "Tests run.", { kind: "admin" }).add(2);
  registerProcessMetrics(metrics, systemClock, "1.2.3");
  const response = await fetch(at("/metrics"));
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  expect(text).toContain('# TYPE voik_tests_total counter\nvoik_tests_total{kind="admin"} 2\n');
  expect(text).toContain('voik_build_info{version="1.2.3",bun="');
  expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
});

test("an unknown path is 404 and another method 405, both in plain words", async () => {
  const unknown = await fetch(at("/__proto__"));
  expect([unknown.status, await unknown.text()]).toEqual([404, "there is nothing at /__proto__\n"]);
  const post = await fetch(at("/metrics"), { method: "POST", body: "x" });
  expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("HEAD answers like GET without a body", async () => {
  const response = await fetch(at("/livez"), { method: "HEAD" });
  expect([response.status, await response.text()]).toEqual([200, ""]);
});
