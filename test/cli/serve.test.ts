/** `voik serve` as a process: the ready line, signals, and what it refuses. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder, VoikProcess, voikExecutable } from "../helpers/voik-process.ts";

const ANY_PORTS = ["--kafka-port", "0", "--kinesis-port", "0", "--admin-port", "0"];

/** Runs the executable until it ends by itself. */
async function serve(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([voikExecutable(), "serve", ...args], {
    stdout: "pipe",
    stderr: "pipe",
    env,
    timeout: 15_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

const portOf = (address: string) => address.slice(address.lastIndexOf(":") + 1);

test("the data folder is 0700, its files 0600, and a second process on it says who holds it", async () => {
  const folder = temporaryFolder("serve");
  {
    await using _voik = await VoikProcess.start({ folder });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of ["voik.lock", "voik.db", "iterator.key"]) {
      expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600]);
    }
    const second = await serve(["--data-dir", folder, ...ANY_PORTS]);
    expect(second.stderr).toMatch(/^voik: data folder \S+ is in use by process \d+: /);
    expect([second.code, second.stdout]).toEqual([73, ""]);
  }
  rmSync(folder, { recursive: true });
});

test("a port in use is named with its flag, for each of the three", async () => {
  await using voik = await VoikProcess.start();
  const folder = temporaryFolder("port");
  const taken = portOf(voik.addresses.admin);
  for (const flag of ["--kafka-port", "--kinesis-port", "--admin-port"]) {
    const args = ANY_PORTS.map((word, i) => (ANY_PORTS[i - 1] === flag ? taken : word));
    const { code, stderr, stdout } = await serve(["--data-dir", folder, ...args]);
    expect(stderr).toBe(
      `voik: 127.0.0.1:${taken} is in use: stop the program that listens there, or give another ${flag}\n`,
    );
    expect([code, stdout]).toEqual([1, ""]);
  }
  rmSync(folder, { recursive: true });
});

test("a data folder that can't be made ends with one line and exit code 74", async () => {
  const { code, stderr } = await serve(["--data-dir", "/dev/null/voik", ...ANY_PORTS]);
  expect(stderr).toMatch(/^voik: data folder \/dev\/null\/voik can't be used: [^\n]+\n$/);
  expect(code).toBe(74);
});

test("neither ./.env nor ./bunfig.toml of the folder it starts in is read", async () => {
  const cwd = temporaryFolder("hostile");
  mkdirSync(join(cwd, "data"));
  writeFileSync(join(cwd, ".env"), "VOIK_KINESIS_ACCOUNT=not-an-account\n");
  writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(cwd, "preload.ts"), 'await Bun.write("preload-ran", "yes"); process.exit(9);\n');
  {
    await using _voik = await VoikProcess.start({ cwd, folder: join(cwd, "data") });
  }
  expect(existsSync(join(cwd, "preload-ran"))).toBe(false);
  rmSync(cwd, { recursive: true });
});

test("--log-format text prints one plain ready line, and SIGTERM ends it with 0", async () => {
  const folder = temporaryFolder("text");
  const child = Bun.spawn([voikExecutable(), "serve", "--data-dir", folder, ...ANY_PORTS], {
    env: {},
    stderr: "pipe",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value)).toMatch(
    /^ready {2}kafka=127\.0\.0\.1:\d+ {2}kinesis=http:\/\/127\.0\.0\.1:\d+ {2}admin=http:\/\/127\.0\.0\.1:\d+\n$/,
  );
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect((await reader.read()).done).toBe(true);
  rmSync(folder, { recursive: true });
});

test("SIGINT ends it with 0 as well", async () => {
  const folder = temporaryFolder("int");
  const child = Bun.spawn([voikExecutable(), "serve", "--data-dir", folder, ...ANY_PORTS], {
    env: {},
    stderr: "pipe",
  });
  await child.stdout.getReader().read();
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  rmSync(folder, { recursive: true });
});

test("a second signal ends it at once with the signal's own exit code", async () => {
  const folder = temporaryFolder("twice");
  const child = Bun.spawn([voikExecutable(), "serve", "--data-dir", folder, ...ANY_PORTS], {
    env: {},
    stdout: "pipe",
    stderr: "pipe",
  });
  const ready = new TextDecoder().decode((await child.stdout.getReader().read()).value);
  const kinesis = /kinesis=(http:\S+)/.exec(ready)?.[1] as string;
  // A request whose body never comes keeps the first signal from ending anything soon.
  const { hostname, port } = new URL(kinesis);
  const waiting = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
  waiting.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{");
  await fetch(kinesis); // by then that one is in work
  child.kill("SIGTERM");
  const log = child.stderr.getReader();
  for (let said = ""; !said.includes("stopping");) said += new TextDecoder().decode((await log.read()).value);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  waiting.end();
  rmSync(folder, { recursive: true });
});

test.each(["error", "rejection"])(
  "an %s that nobody catches ends voik with its stack and exit code 70",
  async (BREAK) => {
    const preload = join(import.meta.dir, "break-on-signal.ts");
    const command = [process.execPath, "--preload", preload, join(import.meta.dir, "../../src/main.ts")];
    await using voik = await VoikProcess.start({ command, env: { BREAK } });
    process.kill(voik.pid, "SIGUSR2");
    expect(await voik.ended(5_000)).toBe(70);
    expect(voik.stderr).toContain("this is a bug in voik: Error: an invariant is broken\n    at ");
  },
);
