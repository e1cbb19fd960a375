/**
 * Kinesis services as processes of their own, each in an empty folder: voik's executable, and kinesalite, which npm
 * fetches into a temporary folder for the run, so that voik's own tree does not carry it.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call } from "./kinesis-load.ts";

const KINESALITE = "kinesalite@3.3.3";
const START_TIMEOUT_MS = 20_000;

export interface Service {
  readonly url: string;
  /** From the start of the process to its first answer. */
  readonly firstAnswerMs: number;
  /** The most resident memory that it had so far (Linux). */
  peakBytes(): number;
  stop(): Promise<void>;
}

export type StartService = () => Promise<Service>;

/** The compiled executable with its defaults: every acknowledged record is on the disk that holds `parent`. */
export function startVoik(parent: string): Promise<Service> {
  const folder = mkdtempSync(join(parent, "voik-bench-"));
  const port = freePort();
  const executable = process.env.VOIK_BIN ?? join(import.meta.dir, "../../dist/voik");
  const ports = ["--kinesis-port", String(port), "--kafka-port", "0", "--admin-port", "0"];
  return startProcess([executable, "serve", "--data-dir", folder, ...ports], port, () =>
    rmSync(folder, { recursive: true, force: true }),
  );
}

/** Installs kinesalite; gives what starts it (records in memory, its default) and what removes it again. */
export function installKinesalite(): { start: StartService; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "voik-kinesalite-"));
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
  const npm = Bun.spawnSync(["npm", "install", "--prefix", folder, ...flags, KINESALITE], { cwd: folder });
  if (!npm.success) throw new Error(`npm could not install ${KINESALITE}: ${npm.stderr}`);
  const script = join(folder, "node_modules/kinesalite/cli.js");
  return {
    start() {
      const port = freePort();
      return startProcess(["node", script, "--port", String(port)], port, () => {});
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startProcess(command: string[], port: number, cleanUp: () => void): Promise<Service> {
  const startedMs = performance.now();
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const url = `http://127.0.0.1:${port}/`;
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
    cleanUp();
  };
  while (!(await answers(url))) {
    if (child.exitCode === null && performance.now() - startedMs < START_TIMEOUT_MS) continue;
    await stop();
    throw new Error(`${command.slice(0, 2).join(" ")} gave no answer`);
  }
  const firstAnswerMs = performance.now() - startedMs;
  return { url, firstAnswerMs, peakBytes: () => peakBytesOf(child.pid), stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    await call(url, "ListStreams", "{}");
    return true;
  } catch {
    await Bun.sleep(1);
    return false;
  }
}

function peakBytesOf(pid: number): number {
  const [, kilobytes = "0"] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

/** One that was free a moment ago: kinesalite can't be told to choose. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
