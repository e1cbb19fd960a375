/** Client commands that go on when the broker comes back: what was read and written is there once, and in order. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

let voik: VoikProcess;
let relay: Relay;

beforeAll(async () => {
  voik = await VoikProcess.start();
  relay = await Relay.start(voik.kafkaPort);
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await voik[Symbol.asyncDispose]();
});

/** A command that has to succeed, straight at the broker; its standard output. */
async function ok(args: readonly string[], stdin = ""): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, "--broker", voik.addresses.kafka], { stdin });
  expect([code, stderr.replace(/^\d+ records acknowledged in [\d.]+ s\n$/, "")]).toEqual([0, ""]);
  return stdout;
}

/** A command that goes through the relay and is looked at while it runs. */
class Running {
  stdout = "";
  stderr = "";
  private readonly child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  private readonly read: Promise<unknown>;

  constructor(...args: readonly string[]) {
    const command = [process.execPath, MAIN, ...args, "--broker", relay.address];
    this.child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe", timeout: 20_000 });
    this.read = Promise.all([
      gather(this.child.stdout, (text) => (this.stdout += text)),
      gather(this.child.stderr, (text) => (this.stderr += text)),
    ]);
  }

  write(text: string): void {
    this.child.stdin.write(text);
    void this.child.stdin.flush();
  }

  /** Waits until `what` is true; fails when the command ends before. */
  async until(what: (running: Running) => boolean): Promise<void> {
    while (!what(this)) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
      await Bun.sleep(5);
    }
  }

  /** The exit code, after the end of its input. */
  async end(): Promise<number> {
    await this.child.stdin.end();
    await this.read;
    return this.child.exited;
  }
}

async function gather(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}

/** Away and back again, at another port behind the relay. */
async function restart(away: () => Promise<void>): Promise<void> {
  await away();
  await voik.restart();
  relay.targetPort = voik.kafkaPort;
}

const notices = (running: Running) => running.stderr.replace(/in [\d.]+ s/, "in time").split("\n");
const LOST = expect.stringMatching(/^voik: 127\.0\.0\.1:\d+ closed the connection: connecting again$/);
const BACK = "voik: connected again";

test("consume --follow goes on behind the last record when the broker comes back, and says so once", async () => {
  await ok(["stream", "create", "followed"]);
  await ok(["produce", "followed"], "1\n2\n");
  const consumer = new Running("consume", "followed", "--follow", "--count", "5");
  await consumer.until(({ stdout }) => stdout === "1\n2\n");
  await restart(async () => {
    await voik.stop();
    await consumer.until(({ stderr }) => stderr.endsWith("again\n"));
  });
  await consumer.until(({ stderr }) => stderr.endsWith(`${BACK}\n`));
  await ok(["produce", "followed"], "3\n4\n5\n");
  expect(await consumer.end()).toBe(0);
  expect(consumer.stdout).toBe("1\n2\n3\n4\n5\n");
  expect(notices(consumer)).toEqual([LOST, BACK, ""]);
});

test("consume --follow reads again what was lost on the way, and writes it once", async () => {
  await ok(["stream", "create", "lost"]);
  const consumer = new Running("consume", "lost", "--follow", "--count", "2");
  await ok(["produce", "lost"], "1\n");
  await consumer.until(({ stdout }) => stdout === "1\n");
  relay.mute = true;
  await ok(["produce", "lost"], "2\n");
  relay.cut();
  relay.mute = false;
  expect(await consumer.end()).toBe(0);
  expect(consumer.stdout).toBe("1\n2\n");
  expect(notices(consumer)).toEqual([LOST, BACK, ""]);
});

test("consume --group joins its group again after a kill -9 and goes on from what it has committed", async () => {
  await ok(["stream", "create", "grouped", "--shards", "2"]);
  await ok(["produce", "grouped", "--key-separator", "="], "a=1\nb=2\nc=3\nd=4\n");
  const consumer = new Running("consume", "grouped", "--group", "g", "--follow", "--count", "8");
  await consumer.until(({ stdout }) => stdout.length === 8);
  const committed = async () =>
    (await runCli(["group", "describe", "g", "--json", "--broker", voik.addresses.kafka])).stdout;
  while (((await committed()).match(/"lag": ?0/g)?.length ?? 0) < 2) await Bun.sleep(20);
  await restart(() => voik.kill());
  await ok(["produce", "grouped", "--key-separator", "="], "a=5\nb=6\nc=7\nd=8\n");
  expect(await consumer.end()).toBe(0);
  expect(consumer.stdout.trim().split("\n").sort().join("")).toBe("12345678");
  expect(notices(consumer)).toEqual([LOST, BACK, ""]);
});
