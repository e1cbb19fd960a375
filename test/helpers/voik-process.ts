/**
 * The compiled executable, as a person runs it: started on free ports with a data folder of its own, stopped by
 * SIGTERM (exit code 0 or the test fails), killed by SIGKILL, started again on the same folder.
 *
 *   await using voik = await VoikProcess.start();
 *
 * VOIK_BIN names another executable; without it dist/voik is used, and built when it is missing.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;

export interface Addresses {
  /** host:port */
  kafka: string;
  /** http://host:port */
  kinesis: string;
  /** http://host:port */
  admin: string;
}

export interface StartOptions {
  /** Data folder; a temporary one, removed in the end, when it is not given. */
  folder?: string;
  /** Further flags of `voik serve`. */
  args?: readonly string[];
  /** The whole environment of the process. Default: PATH and nothing else. */
  env?: Record<string, string>;
  cwd?: string;
  /** What to run instead of the executable under test, up to the word "serve". */
  command?: readonly string[];
  /** The data folder as that command sees it. Default: `folder`. */
  dataDir?: string;
}

let built: string | undefined;

/** Path of the executable under test; built by `make build` when it is not there. */
export function voikExecutable(): string {
  if (built !== undefined) return built;
  const path = process.env.VOIK_BIN ?? join(ROOT, "dist/voik");
  if (!existsSync(path)) {
    const make = Bun.spawnSync(["make", "build"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
    if (!make.success) throw new Error(`make build failed: ${make.stderr}`);
  }
  return (built = path);
}

/** A new temporary folder; whoever makes one removes it. */
export function temporaryFolder(name: string, parent = tmpdir()): string {
  return mkdtempSync(join(parent, `voik-${name}-`));
}

export class VoikProcess implements AsyncDisposable {
  addresses!: Addresses;
  /** Milliseconds from spawn to the ready line. */
  readyMs = 0;
  /** What the process has written to standard error. */
  stderr = "";
  private child!: Bun.Subprocess<"ignore", "pipe", "pipe">;
  private drained!: Promise<void>;

  private constructor(
    readonly folder: string,
    private readonly ownsFolder: boolean,
    private readonly options: StartOptions,
  ) {}

  /** Starts the executable and waits for its ready line. Throws with its standard error when none comes. */
  static async start(options: StartOptions = {}): Promise<VoikProcess> {
    const folder = options.folder ?? temporaryFolder("data");
    const voik = new VoikProcess(folder, options.folder === undefined, options);
    try {
      await voik.spawn();
    } catch (error) {
      await voik[Symbol.asyncDispose]();
      throw error;
    }
    return voik;
  }

  get pid(): number {
    return this.child.pid;
  }

  get kafkaPort(): number {
    return Number(this.addresses.kafka.split(":").pop());
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resident memory now, in bytes (Linux). */
  residentBytes(): number {
    return this.statusBytes("VmRSS");
  }

  /** The most resident memory that it ever had, in bytes (Linux). */
  peakResidentBytes(): number {
    return this.statusBytes("VmHWM");
  }

  /** Open descriptors (Linux). */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /**
   * Open descriptors beside those that are opened when they are wanted: of logs, their journal, databases' seals, and a
   * second one of the standard error for its first line (Linux).
   */
  otherDescriptors(): number {
    const folder = `/proc/${this.pid}/fd`;
    const targets = readdirSync(folder).map((name) => targetOf(join(folder, name)));
    const error = targetOf(join(folder, "2"));
    const wanted = (target: string) =>
      target === "" || target === error || /\/(streams|journal)\/|\.db-seal$/.test(target);
    return targets.filter((target) => !wanted(target)).length;
  }

  /** What /metrics says of a series, by its name with its labels; 0 where there is none yet. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.addresses.admin}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }

  /** SIGTERM; throws unless it ends with exit code 0 in ten seconds. */
  async stop(): Promise<void> {
    if (!this.running) return this.fail("stop: it is not running");
    this.child.kill("SIGTERM");
    const late = Bun.sleep(STOP_TIMEOUT_MS).then(() => "late");
    if ((await Promise.race([this.child.exited, late])) === "late") this.fail("SIGTERM did not end it");
    await this.drained;
    if (this.child.exitCode !== 0) this.fail(`exit code ${this.child.exitCode}`);
  }

  /** Resolves to the exit code, or the signal's name, when it ends by itself; throws when that takes longer. */
  async ended(timeoutMs: number): Promise<number | string> {
    const late = Bun.sleep(timeoutMs).then(() => "late");
    if ((await Promise.race([this.child.exited, late])) === "late")
      this.fail(`still runs after ${timeoutMs} ms`);
    await this.drained;
    return this.child.exitCode ?? this.child.signalCode ?? this.fail("it ended in no known way");
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    await this.drained;
  }

  /** Starts again on the same folder, on new ports. The process has to be gone. */
  async restart(): Promise<void> {
    if (this.running) this.fail("restart: it is still running");
    await this.spawn();
  }

  /** Starts again and kills it `afterMs` later, ready or not: a crash during recovery. */
  async crashWhileStarting(afterMs: number): Promise<void> {
    if (this.running) this.fail("crashWhileStarting: it is still running");
    this.launch();
    await Bun.sleep(afterMs);
    await this.kill();
  }

  /** Kills it if it runs and removes a temporary folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.kill();
    if (this.ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  private async spawn(): Promise<void> {
    const startedAtMs = performance.now();
    const child = this.launch();
    const line = await Promise.race([readyLine(child.stdout), Bun.sleep(READY_TIMEOUT_MS)]);
    if (line === undefined) {
      await this.kill();
      this.fail("no ready line");
    }
    this.readyMs = performance.now() - startedAtMs;
    const { msg, kafka, kinesis, admin } = JSON.parse(line as string);
    if (msg !== "ready") this.fail(`not a ready line: ${line}`);
    this.addresses = { kafka, kinesis, admin };
  }

  private launch(): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    const ports = ["--kafka-port", "--kinesis-port", "--admin-port"].flatMap((flag) => [flag, "0"]);
    const { args = [], env = { PATH: process.env.PATH ?? "" }, cwd } = this.options;
    const program = this.options.command ?? [voikExecutable()];
    const dataDir = this.options.dataDir ?? this.folder;
    const command = [...program, "serve", "--data-dir", dataDir, ...ports, "--log-format", "json", ...args];
    this.child = Bun.spawn(command, { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.stderr = "";
    this.drained = this.collect(this.child.stderr);
    return this.child;
  }

  private async collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.stderr += decoder.decode(chunk, { stream: true });
  }

  private statusBytes(name: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  }

  private fail(what: string): never {
    throw new Error(`voik: ${what}\n--- its standard error:\n${this.stderr.slice(-4000)}`);
  }
}

/** What the descriptor is of; nothing once it is closed. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

/** The first line of the stream, undefined when it ends before; goes on reading, so that the process can write. */
function readyLine(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  void (async () => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    }
    resolve(undefined);
  })();
  return promise;
}
