/**
 * Clients that are programs of the system. A test of one that is not installed is skipped, and its name is printed;
 * with VOIK_REQUIRE_CLIENTS=1 (continuous integration) it fails instead.
 */
import { describe } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

/** Debian's own Python and AWS CLI, not one that a version manager put before them on PATH. */
const DEBIAN_ENV = { PATH: "/usr/bin:/bin" };

const ROOT_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Dummies: voik takes any signature. AWS clients refuse to start without region and credentials. */
export const AWS_ENV = {
  ...DEBIAN_ENV,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PAGER: "",
  HOME: "/nonexistent",
};

/** `describe` that runs only where `command` works (exit code 0). */
export function describeWith(client: string, command: readonly string[], tests: () => void): void {
  let works: boolean;
  try {
    works = Bun.spawnSync([...command], { env: DEBIAN_ENV, stdout: "ignore", stderr: "ignore" }).success;
  } catch {
    works = false;
  }
  if (works) return describe(client, tests);
  if (process.env.VOIK_REQUIRE_CLIENTS === "1")
    throw new Error(`${client} is not installed (${command.join(" ")})`);
  console.log(`skipped: ${client} is not installed (${command.join(" ")})`);
  describe.skip(`${client} (not installed)`, tests);
}

/**
 * `describe` that runs only as root on Linux where each of `programs` is installed: for faults that need file systems
 * of their own or a tracer. Elsewhere the tests are skipped and the reason is printed.
 */
export function describeAsRoot(name: string, programs: readonly string[], tests: () => void): void {
  const missing = programs.filter((program) => Bun.which(program, { PATH: ROOT_PATH }) === null);
  let reason: string | undefined;
  if (process.platform !== "linux") reason = "it needs Linux";
  else if (process.getuid?.() !== 0 || !mayMount()) reason = "it needs root with the right to mount";
  else if (missing.length > 0) reason = `not installed: ${missing.join(", ")}`;
  if (reason === undefined) return describe(name, tests);
  if (missing.length > 0 && process.env.VOIK_REQUIRE_CLIENTS === "1") throw new Error(`${name}: ${reason}`);
  console.log(`skipped: ${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, tests);
}

/** Whether this process has CAP_SYS_ADMIN, bit 21, which root in a container lacks, and loop devices. */
function mayMount(): boolean {
  const [, capabilities = "0"] = /^CapEff:\s+(\w+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${capabilities}`) & (1n << 21n)) !== 0n && existsSync("/dev/loop-control");
}

/** Runs a program to its end and returns its standard output. Throws with its standard error on a failure. */
export async function run(
  command: readonly string[],
  options: { env?: Record<string, string>; input?: Uint8Array } = {},
): Promise<Buffer> {
  const child = Bun.spawn([...command], {
    env: options.env ?? DEBIAN_ENV,
    stdin: options.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([child.stdout.bytes(), child.stderr.text(), child.exited]);
  if (code !== 0)
    throw new Error(`${command.slice(0, 6).join(" ")} …: exit code ${code}\n${errors.slice(-4000)}`);
  return Buffer.from(out);
}
