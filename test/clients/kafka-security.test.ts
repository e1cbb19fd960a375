/** SASL_SSL with SCRAM against the executable: kcat and kafkajs, users made by `voik user`, passwords right and wrong. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { Certificates } from "../helpers/certificates.ts";
import { describeWith, run } from "../helpers/installed.ts";
import { blockOf } from "../helpers/snippets.ts";
import { VoikProcess, voikExecutable } from "../helpers/voik-process.ts";

const PASSWORD = "a pass, wörd=1";
const certificates = new Certificates();
let voik: VoikProcess;

beforeAll(async () => {
  const tls = ["--kafka-tls-cert", certificates.server.cert, "--kafka-tls-key", certificates.server.key];
  voik = await VoikProcess.start({ args: ["--kafka-auth", "sasl", ...tls] });
  const create = [voikExecutable(), "user", "create", "ann", "--data-dir", voik.folder];
  await run(create, { env: { VOIK_PASSWORD: PASSWORD } });
});
afterAll(async () => {
  await voik.stop();
  await voik[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
});

describeWith("kcat", ["kcat", "-V"], () => {
  const kcat = (mechanism: string, password: string, args: string[], input = "") =>
    run(
      [
        ...["kcat", "-b", voik.addresses.kafka, ...args],
        ...["-X", "security.protocol=sasl_ssl", "-X", `ssl.ca.location=${certificates.ca}`],
        ...[
          "-X",
          `sasl.mechanisms=${mechanism}`,
          "-X",
          "sasl.username=ann",
          "-X",
          `sasl.password=${password}`,
        ],
        ...["-m", "5"],
      ],
      { input: Buffer.from(input) },
    );

  test.each(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])(
    "kcat produces and consumes with %s",
    async (mechanism) => {
      const topic = `kcat-${mechanism}`;
      const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join("");
      await kcat(mechanism, PASSWORD, ["-P", "-t", topic, "-p", "0", "-X", "acks=all"], lines);
      const back = await kcat(mechanism, PASSWORD, ["-C", "-t", topic, "-p", "0", "-o", "beginning", "-eq"]);
      expect(back.toString()).toBe(lines);
    },
    30_000,
  );

  test("kcat logs in with the settings of docs/security.md", async () => {
    const settings = blockOf("security.md", "ini", "sasl.mechanism")
      .replace("/etc/voik/ca.pem", certificates.ca)
      .replace("=secret", `=${PASSWORD}`);
    const path = join(voik.folder, "kcat.conf");
    writeFileSync(path, settings);
    const listed = await run(["kcat", "-F", path, "-b", voik.addresses.kafka, "-L"]);
    expect(listed.toString()).toContain("1 brokers:");
  }, 30_000);

  test("kcat with a wrong password is told so", async () => {
    await expect(kcat("SCRAM-SHA-512", "guess", ["-L"])).rejects.toThrow("invalid credentials");
  }, 30_000);
});

const open = (mechanism: "plain" | "scram-sha-256" | "scram-sha-512", password = PASSWORD) =>
  new Kafka({
    clientId: "test",
    brokers: [voik.addresses.kafka],
    ssl: { ca: [certificates.text(certificates.ca)] },
    sasl: { mechanism, username: "ann", password } as never,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });

test.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
  "kafkajs produces, and consumes in a group, with %s",
  async (mechanism) => {
    const client = open(mechanism);
    const [producer, consumer] = [client.producer(), client.consumer({ groupId: `g-${mechanism}` })];
    await Promise.all([producer.connect(), consumer.connect()]);
    const topic = `js-${mechanism}`;
    const sent = Array.from({ length: 100 }, (_, i) => `value ${i}`);
    await producer.send({ topic, messages: sent.map((value) => ({ value })) });
    await consumer.subscribe({ topic, fromBeginning: true });
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          if (got.push(String(message.value)) === sent.length) resolve();
        },
      });
    });
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
    expect(got).toEqual(sent);
  },
  30_000,
);

test("voik's own commands log in and speak TLS", async () => {
  const list = [voikExecutable(), "stream", "list", "--broker", voik.addresses.kafka];
  const create = [voikExecutable(), "stream", "create", "by-cli", "--broker", voik.addresses.kafka];
  const env = { VOIK_USER: "ann", VOIK_PASSWORD: PASSWORD, VOIK_CA: certificates.ca };
  await run(create, { env });
  expect((await run(list, { env })).toString()).toContain("by-cli");
  await expect(run(list, { env: { ...env, VOIK_PASSWORD: "guess" } })).rejects.toThrow("invalid credentials");
  await expect(run(list, { env: { VOIK_CA: certificates.ca } })).rejects.toThrow();
}, 30_000);

test("kafkajs with a wrong password is told so", async () => {
  await expect(open("scram-sha-256", "guess").producer().connect()).rejects.toThrow("invalid credentials");
}, 30_000);
