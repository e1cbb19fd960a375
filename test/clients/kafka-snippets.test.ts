/**
 * The snippets of docs/kafka.md, "Connecting", as they stand there but for the port: each writes its record and reads it
 * back. Those that need confluent-kafka, Java or Go are for `make test-clients`.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KafkaClient } from "../../src/kafka/client.ts";
import { run } from "../helpers/installed.ts";
import { createTopic, readPartition } from "../helpers/kafka-records.ts";
import { snippetsOf, testWith, TOOL_ENV } from "../helpers/snippets.ts";
import type { Topic } from "../helpers/transactional-producer.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";
import { TOOLS } from "./compat/console-tools.ts";
import { JAVA, javaPath } from "./compat/java.ts";

const DOCUMENTED = "127.0.0.1:9092";
const SNIPPETS = snippetsOf("kafka.md", DOCUMENTED);
const PARTITIONS = 3;
/** Modules as test/clients/go/go.mod has them, and one more. */
const GO_MODULES = ["github.com/twmb/franz-go@v1.22.3", "github.com/segmentio/kafka-go@v0.4.51"];

const folder = temporaryFolder("snippets");
let voik: VoikProcess;
let kafka: KafkaClient;
let topic: Topic;

beforeAll(async () => {
  voik = await VoikProcess.start();
  kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  topic = { name: "orders", id: await createTopic(kafka, "orders", PARTITIONS) };
});
afterAll(async () => {
  kafka?.close();
  rmSync(folder, { recursive: true, force: true });
  await voik?.stop();
  await voik?.[Symbol.asyncDispose]();
});

/** The page's snippet under a title, for the broker under test. */
function snippet(title: string, language: string, nth = 0): string {
  const found = SNIPPETS.filter((one) => one.title === title && one.language === language)[nth];
  if (found === undefined) throw new Error(`docs/kafka.md has no ${language} under ${title}`);
  return found.code.replaceAll(DOCUMENTED, voik.addresses.kafka);
}

/** Writes code to a file in a folder of its own. */
function fileOf(name: string, file: string, code: string): { path: string; own: string } {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const path = join(own, file);
  writeFileSync(path, code);
  return { path, own };
}

/** The command prints a record that it has written, and the record is there, once. */
async function expectRecord(value: string, command: readonly string[], env = TOOL_ENV): Promise<void> {
  const printed = (await run(command, { env })).toString();
  expect(printed.split("\n").filter((line) => line.endsWith(value))).toHaveLength(1);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const records = await Promise.all(partitions.map((partition) => readPartition(kafka, topic, partition)));
  expect(records.flat().filter((record) => String(record.value) === value)).toHaveLength(1);
}

testWith("kcat", ["/usr/bin/kcat"], false, () =>
  expectRecord("from kcat", ["sh", "-c", snippet("kcat", "sh")]),
);

for (const [title, value] of [
  ["kafkajs", "from kafkajs"],
  ["@platformatic/kafka", "from platformatic"],
] as const) {
  testWith(title, [], false, async () => {
    const { path, own } = fileOf(value.replaceAll(" ", "-"), "snippet.mjs", snippet(title, "js"));
    symlinkSync(join(import.meta.dir, "../../node_modules"), join(own, "node_modules"));
    await expectRecord(value, [process.execPath, path]);
  });
}

testWith("confluent-kafka", [], true, async () => {
  const { path } = fileOf("python", "snippet.py", snippet("Python", "python"));
  await expectRecord("from Python", [process.env.VOIK_CONFLUENT_PYTHON ?? "python3", path]);
});

testWith("console tools", ["java"], true, async () => {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const [tool, main] of Object.entries(TOOLS)) {
    const command = [...JAVA, "-cp", javaPath(), `org.apache.kafka.tools.${main}`].map((word) => `'${word}'`);
    writeFileSync(join(bin, `${tool}.sh`), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
  }
  const env = { ...TOOL_ENV, PATH: `${bin}:${TOOL_ENV.PATH}` };
  const create = snippet("", "sh").replace("orders", "made-by-kafka-topics");
  expect((await run(["sh", "-c", create], { env })).toString()).toContain(
    "Created topic made-by-kafka-topics",
  );
  await expectRecord("from the console", ["sh", "-c", snippet("Console tools", "sh")], env);
});

testWith("Java", ["java", "javac"], true, async () => {
  const { path, own } = fileOf("java", "Snippet.java", snippet("Java", "java"));
  await run(["javac", "-cp", javaPath(), "-d", own, path], { env: TOOL_ENV });
  await expectRecord("from Java", [...JAVA, "-cp", javaPath(own), "Snippet"]);
});

for (const [nth, value] of ["from franz-go", "from kafka-go"].entries()) {
  testWith(`Go: ${value}`, ["go"], true, async () => {
    const { own } = fileOf(`go-${nth}`, "main.go", snippet("Go", "go", nth));
    const go = (...args: string[]) => run(["go", "-C", own, ...args], { env: TOOL_ENV });
    await go("mod", "init", "snippet");
    await go("get", GO_MODULES[nth] as string);
    await go("mod", "tidy");
    await expectRecord(value, ["go", "-C", own, "run", "."]);
  });
}
