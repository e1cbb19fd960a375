/** Client commands that go on when the broker comes back: what was read and written is there once, and in order. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";
import { RunningCli } from "./running-cli.ts";

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

/** Away and back again, at another port behind the relay. */
async function restart(away: () => Promise<void>): Promise<void> {
  await away();
  await voik.restart();
  relay.targetPort = voik.kafkaPort;
}

const notices = (running: RunningCli) => running.stderr.replace(/in [\d.]+ s/, "in time").split("\n");
const LOST = expect.stringMatching(/^voik: 127\.0\.0\.1:\d+ closed the connection: connecting again$/);
const BACK = "voik: connected again";

test("consume --follow goes on behind the last record when the broker comes back, and says so once", async () => {
  await ok(["stream", "create", "followed"]);
  await ok(["produce", "followed"], "1\n2\n");
  const consumer = new RunningCli(relay.address, "consume", "followed", "--follow", "--count", "5");
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
  const consumer = new RunningCli(relay.address, "consume", "lost", "--follow", "--count", "2");
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
  const consumer = new RunningCli(
    relay.address,
    "consume",
    "grouped",
    "--group",
    "g",
    "--follow",
    "--count",
    "8",
  );
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

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}\n`);

test("produce sends again what had no answer, and it is stored once", async () => {
  await ok(["stream", "create", "once"]);
  const producer = new RunningCli(relay.address, "produce", "once");
  producer.write("1\n2\n");
  await ok(["consume", "once", "--follow", "--count", "2"]);
  relay.mute = true;
  producer.write("3\n");
  await ok(["consume", "once", "--follow", "--count", "3"]); // stored, and the producer does not hear of it
  relay.cut();
  relay.mute = false;
  producer.write("4\n");
  expect(await producer.end()).toBe(0);
  expect(await ok(["consume", "once"])).toBe("1\n2\n3\n4\n");
  expect(notices(producer)).toEqual([LOST, BACK, "4 records acknowledged in time", ""]);
});

test("produce goes on after a kill -9: each line is there once, and in order", async () => {
  await ok(["stream", "create", "killed", "--shards", "2"]);
  const producer = new RunningCli(relay.address, "produce", "killed", "--key-separator", "=");
  const lines = numbers(0, 6_000).map((line, i) => `${i % 7}=${line}`);
  producer.write(lines.slice(0, 2_000).join(""));
  await ok(["consume", "killed", "--follow", "--count", "1000"]);
  await restart(async () => {
    producer.write(lines.slice(2_000, 4_000).join(""));
    await voik.kill();
    await producer.until(({ stderr }) => stderr.endsWith("again\n"));
  });
  producer.write(lines.slice(4_000).join(""));
  expect(await producer.end()).toBe(0);
  expect(notices(producer)).toEqual([LOST, BACK, "6000 records acknowledged in time", ""]);
  const read = (await ok(["consume", "killed", "--format", "key-value"])).replaceAll("\t", "=");
  const byKey = (text: string) => Map.groupBy(text.trim().split("\n"), (line) => line[0]);
  expect(byKey(read)).toEqual(byKey(lines.join("")));
}, 20_000);
