/**
 * Faults in the system calls of a running server, injected by strace (Linux, root or the same user).
 *
 *   await using fault = await Fault.attach(voik.pid, "fdatasync", "error=EIO:when=3");
 *   VoikProcess.start({ command: straced("fdatasync", "retval=0", voikExecutable()) });
 *
 * An attached fault can be taken away again, but stops the process at every system call; a straced start uses a
 * seccomp filter and stops it only at those that are named. `when=N` counts calls of one thread.
 */
import { readdirSync } from "node:fs";

/** Everything that makes bytes durable, whichever of them the server uses. */
export const SYNC_CALLS = "fdatasync,fsync,syncfs,sync_file_range,msync";

const ATTACH_TIMEOUT_MS = 5_000;
const RECORDING_TIMEOUT_MS = 10_000;
/** Where the line is that says how the process ended. */
const RECORDING_END_BYTES = 10_000;

/** The command that runs `program` with a fault in it; the process started is the program itself, not strace. */
export function straced(calls: string, fault: string, ...program: string[]): string[] {
  const inject = fault === "" ? [] : ["-e", `inject=${calls}:${fault}`];
  return [
    "strace",
    "-D",
    "-qq",
    "-f",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    ...inject,
    ...program,
  ];
}

/**
 * The command that runs `program` and writes its calls to the file `log`, with the bytes of strings up to `bytes` each,
 * for strace-log.ts to read.
 */
export function recorded(
  log: string,
  calls: readonly string[],
  bytes: number,
  ...program: string[]
): string[] {
  const shown = ["-yy", "-x", "-s", String(bytes), "-o", log];
  return [
    "strace",
    "-D",
    "-q",
    "-f",
    "--seccomp-bpf",
    ...shown,
    "-e",
    `trace=${calls.join(",")}`,
    ...program,
  ];
}

/** What was recorded of the process `pid`, once that has ended and strace has written all of it. */
export async function recordingOf(log: string, pid: number): Promise<string> {
  const deadline = performance.now() + RECORDING_TIMEOUT_MS;
  for (;;) {
    const text = await Bun.file(log).text();
    if (new RegExp(`^${pid} +\\+\\+\\+ (exited|killed)`, "m").test(text.slice(-RECORDING_END_BYTES)))
      return text;
    if (performance.now() > deadline) throw new Error(`strace has not ended: ${text.slice(-1000)}`);
    await Bun.sleep(20);
  }
}

export class Fault implements AsyncDisposable {
  private constructor(private readonly tracer: Bun.Subprocess<"ignore", "ignore", "pipe">) {}

  /**
   * Puts a fault into all threads of `pid`: `fault` is what strace's inject= takes behind the calls' names. `path`
   * confines it to calls on one file. Resolves when every thread is traced.
   */
  static async attach(pid: number, calls: string, fault: string, path?: string): Promise<Fault> {
    const only = path === undefined ? [] : ["-P", path];
    const command = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", `trace=${calls}`, ...only];
    const tracer = Bun.spawn([...command, "-e", `inject=${calls}:${fault}`, "-p", String(pid)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const deadline = performance.now() + ATTACH_TIMEOUT_MS;
    while (!(await isTraced(pid))) {
      if (performance.now() > deadline) {
        tracer.kill();
        throw new Error(`strace can't attach: ${await tracer.stderr.text()}`);
      }
      await Bun.sleep(5);
    }
    return new Fault(tracer);
  }

  /** Takes the fault away; the process goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.tracer.exitCode === null) this.tracer.kill("SIGTERM");
    await this.tracer.exited;
  }
}

async function isTraced(pid: number): Promise<boolean> {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return true; // the fault has ended the process already
  }
  const statuses = threads.map(
    (thread) =>
      Bun.file(`/proc/${pid}/task/${thread}/status`)
        .text()
        .catch(() => ""), // a thread that ended
  );
  return (await Promise.all(statuses)).every((status) => !status.includes("TracerPid:\t0\n"));
}
