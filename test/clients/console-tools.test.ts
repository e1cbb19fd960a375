/**
 * Kafka's own command-line tools where the matrix of compat.test.ts does not ask them: kafka-consumer-groups, kafka-acls,
 * kafka-configs for topics, users and quotas, and producer-perf-test. `make test-clients` has maven fetch them.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Certificates } from "../helpers/certificates.ts";
import { run } from "../helpers/installed.ts";
import { createTopic, offsetsOf, produceBatch } from "../helpers/kafka-records.ts";
import { batchOf } from "../helpers/log.ts";
import { blockOf } from "../helpers/snippets.ts";
import { temporaryFolder, VoikProcess, voikExecutable } from "../helpers/voik-process.ts";
import { consoleTools, loginSettings, type Tool, tool } from "./compat/console-tools.ts";

const ENV = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
const PASSWORD = "correct horse";
const TIMEOUT_MS = 120_000;
const missing = consoleTools.missing();
if (missing !== undefined) console.log(`skipped: Kafka's command-line tools: ${missing}`);

/** Runs a tool to its end; throws with what it says on standard error. Some report errors and end well: see what it prints. */
async function use(name: Tool, broker: string, ...options: string[]): Promise<string> {
  return (await run(tool(name, broker, options), { env: ENV })).toString();
}

describe.skipIf(missing !== undefined)("Kafka's tools", () => {
  let voik: VoikProcess;
  let broker: string;
  let kafka: KafkaClient;
  beforeAll(async () => {
    voik = await VoikProcess.start();
    broker = voik.addresses.kafka;
    kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  });
  afterAll(async () => {
    kafka.close();
    await voik.stop();
    await voik[Symbol.asyncDispose]();
  });

  test(
    "kafka-consumer-groups lists, describes with lag, resets and deletes",
    async () => {
      const topic = { name: "orders", id: await createTopic(kafka, "orders", 1) };
      await produceBatch(kafka, topic, 0, batchOf(Array.from({ length: 10 }, (_, i) => `order ${i}`)));
      const group = ["--group", "billing"];
      await use(
        "kafka-console-consumer",
        broker,
        "--topic",
        "orders",
        ...group,
        "--from-beginning",
        "--max-messages",
        "10",
      );
      await produceBatch(kafka, topic, 0, batchOf(["one more"]));
      expect(await use("kafka-consumer-groups", broker, "--list")).toContain("billing");
      const lagOf = async () => {
        const printed = await use("kafka-consumer-groups", broker, "--describe", ...group);
        return /billing +orders +0 +(\d+) +(\d+) +(\d+)/.exec(printed)?.slice(1).map(Number);
      };
      expect(await lagOf()).toEqual([10, 11, 1]);
      await use(
        "kafka-consumer-groups",
        broker,
        "--reset-offsets",
        ...group,
        "--topic",
        "orders",
        "--to-offset",
        "4",
        "--execute",
      );
      expect(await lagOf()).toEqual([4, 11, 7]);
      const state = await use("kafka-consumer-groups", broker, "--describe", ...group, "--state");
      expect(state).toContain("Empty");
      await use("kafka-consumer-groups", broker, "--delete", ...group);
      expect(await use("kafka-consumer-groups", broker, "--list")).not.toContain("billing");
    },
    TIMEOUT_MS,
  );

  test(
    "kafka-configs describes, sets and unsets what a topic has chosen, and is told what voik would not act on",
    async () => {
      await createTopic(kafka, "configured", 1);
      const topic = ["--entity-type", "topics", "--entity-name", "configured"];
      const alter = (...options: string[]) => use("kafka-configs", broker, "--alter", ...topic, ...options);
      const describe = () => use("kafka-configs", broker, "--describe", ...topic);
      await alter("--add-config", "retention.ms=3600000,max.message.bytes=2000000");
      expect(await describe()).toContain("retention.ms=3600000");
      await alter("--delete-config", "retention.ms");
      const left = await describe();
      expect(left).toContain("max.message.bytes=2000000");
      expect(left).not.toContain("retention.ms=3600000");
      await expect(alter("--add-config", "cleanup.policy=compact")).rejects.toThrow("compact");
    },
    TIMEOUT_MS,
  );

  test(
    "kafka-configs sets, describes and takes away quotas, and a producer keeps to its own",
    async () => {
      await createTopic(kafka, "slow", 1);
      const client = ["--entity-type", "clients", "--entity-name", "slow"];
      const users = ["--entity-type", "users", "--entity-default"];
      const configs = (...options: string[]) => use("kafka-configs", broker, ...options);
      await configs(
        "--alter",
        ...client,
        "--add-config",
        "producer_byte_rate=100000,consumer_byte_rate=200000",
      );
      await configs("--alter", ...users, ...client, "--add-config", "consumer_byte_rate=300000");
      const described = await configs("--describe", "--entity-type", "clients");
      expect(described).toContain("client-id 'slow' are");
      expect(described).toContain("producer_byte_rate=100000");
      expect(await configs("--describe", ...users, ...client)).toContain("consumer_byte_rate=300000");
      await expect(configs("--alter", ...client, "--add-config", "request_percentage=50")).rejects.toThrow(
        "producer_byte_rate",
      );

      const sizes = ["--num-records", "300", "--record-size", "1000", "--throughput", "-1"];
      const settings = ["--command-property", "client.id=slow", "--print-metrics"];
      const printed = await use("kafka-producer-perf-test", broker, "--topic", "slow", ...sizes, ...settings);
      const [, throttledMs] = /produce-throttle-time-max:\{client-id=slow\}\s*: ([\d.]+)/.exec(printed) ?? [];
      expect(Number(throttledMs)).toBeGreaterThan(0);

      await configs("--alter", ...client, "--delete-config", "producer_byte_rate,consumer_byte_rate");
      expect(await configs("--describe", "--entity-type", "clients")).not.toContain("_byte_rate");
      await configs("--alter", ...users, "--add-config", "producer_byte_rate=400000");
      expect(await configs("--describe", "--entity-type", "users")).toContain("producer_byte_rate=400000");
      await configs("--alter", ...users, "--delete-config", "producer_byte_rate");
    },
    TIMEOUT_MS,
  );

  test(
    "producer-perf-test writes its records, and each is there",
    async () => {
      await createTopic(kafka, "perf", 4);
      const sizes = ["--num-records", "20000", "--record-size", "1024", "--throughput", "-1"];
      const printed = await use("kafka-producer-perf-test", broker, "--topic", "perf", ...sizes);
      expect(printed).toContain("20000 records sent");
      const ends = await Promise.all([0, 1, 2, 3].map((partition) => offsetsOf(kafka, "perf", partition)));
      expect(ends.reduce((total, [, end]) => total + end, 0)).toBe(20_000);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined)("Kafka's tools, logged in", () => {
  let certificates: Certificates;
  let folder: string;
  let voik: VoikProcess;
  beforeAll(async () => {
    certificates = new Certificates();
    folder = temporaryFolder("tools");
    const { cert, key } = certificates.server;
    const secured = ["--kafka-auth", "sasl", "--kafka-tls-cert", cert, "--kafka-tls-key", key];
    const args = [...secured, "--authorization", "acl", "--super-users", "User:root"];
    voik = await VoikProcess.start({ args });
    const create = [voikExecutable(), "user", "create", "root", "--data-dir", voik.folder];
    await run(create, { env: { VOIK_PASSWORD: PASSWORD } });
  });
  afterAll(async () => {
    await voik.stop();
    await voik[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The option that logs a user in. */
  function as(user: string): string[] {
    const path = join(folder, `${user}.properties`);
    const settings = loginSettings({ user, password: PASSWORD, ca: certificates.ca });
    writeFileSync(
      path,
      Object.entries(settings)
        .map((pair) => `${pair.join("=")}\n`)
        .join(""),
    );
    return ["--command-config", path];
  }

  test(
    "log in with the settings of docs/security.md",
    async () => {
      const path = join(folder, "documented.properties");
      const settings = blockOf("security.md", "properties", "sasl.mechanism")
        .replace("/etc/voik/ca.pem", certificates.ca)
        .replace('"ann"', '"root"')
        .replace('"secret"', `"${PASSWORD}"`);
      writeFileSync(path, settings);
      await use("kafka-topics", voik.addresses.kafka, "--command-config", path, "--list");
    },
    TIMEOUT_MS,
  );

  test(
    "kafka-configs makes a user, and kafka-acls says what it may do",
    async () => {
      const broker = voik.addresses.kafka;
      const acls = (...options: string[]) => use("kafka-acls", broker, ...as("root"), ...options);
      const user = ["--entity-type", "users", "--entity-name", "app"];
      const password = `SCRAM-SHA-512=[password=${PASSWORD}]`;
      await use("kafka-configs", broker, ...as("root"), "--alter", ...user, "--add-config", password);

      const create = () =>
        use("kafka-topics", broker, ...as("app"), "--create", "--topic", "app-1", "--partitions", "1");
      await expect(create()).rejects.toThrow("exit code 1");
      const topics = () => use("kafka-topics", broker, ...as("root"), "--list");
      expect(await topics()).not.toContain("app-1");
      const prefix = ["--topic", "app-", "--resource-pattern-type", "prefixed"];
      const allowed = ["--allow-principal", "User:app", "--operation", "All"];
      await acls("--add", ...allowed, ...prefix);
      const listed = await acls("--list", ...prefix);
      expect(listed).toContain("principal=User:app");
      expect(listed).toContain("operation=ALL");
      await create();
      expect(await topics()).toContain("app-1");
      await acls("--remove", "--force", ...allowed, ...prefix);
      expect(await acls("--list")).not.toContain("User:app");
    },
    TIMEOUT_MS,
  );
});
