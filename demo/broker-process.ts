/** dist/voik as a process of its own, on free ports. */
import { join } from "node:path";

const EXECUTABLE = join(import.meta.dir, "../dist/voik");
const READY_TIMEOUT_MS = 10_000;

export interface BrokerProcess {
  readonly addresses: { kafka: string; kinesis: string; admin: string };
  readonly readyMs: number;
  /** SIGTERM; throws unless the exit code is 0. */
  stop(): Promise<void>;
  /** SIGKILL; nothing when it has ended already. */
  kill(): Promise<void>;
}

/** Starts a broker on `folder` and waits for its ready line. */
export async function startBroker(folder: string): Promise<BrokerProcess> {
  const startMs = performance.now();
  const ports = ["--kafka-port", "0", "--kinesis-port", "0", "--admin-port", "0"];
  const child = Bun.spawn(
    [EXECUTABLE, "serve", "--data-dir", folder, "--log-format", "json", "--log-level", "warn", ...ports],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: {},
    },
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
  const { value } = await child.stdout.getReader().read();
  clearTimeout(timer);
  if (!value) throw new Error(`voik ended before it was ready, exit code ${await child.exited}`);
  const addresses = JSON.parse(new TextDecoder().decode(value)) as BrokerProcess["addresses"];
  return {
    addresses,
    readyMs: performance.now() - startMs,
    async stop() {
      child.kill("SIGTERM");
      if ((await child.exited) !== 0) throw new Error(`voik stopped with exit code ${child.exitCode}`);
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
