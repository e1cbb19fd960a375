/**
 * The snippets of docs/kinesis.md, "Connecting", as they stand there but for the port: each puts its record, and the
 * record is there. Java, Go and Rust fetch their SDKs from where their tools do: `make test-clients` runs those, and
 * version 1 of the AWS CLI, from pip; Rust only with VOIK_TEST_RUST=1 as well, for it compiles for minutes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { AWS_ENV, run } from "../helpers/installed.ts";
import { createStream, kinesisClient, putAll, readStream } from "../helpers/kinesis-records.ts";
import { snippetsOf, testWith, TOOL_ENV } from "../helpers/snippets.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCUMENTED_ENDPOINT = "http://127.0.0.1:4567";
const SNIPPETS = snippetsOf("kinesis.md", DOCUMENTED_ENDPOINT);
const JAVA_SDK = "2.41.21";
/** AWS CLI 1, which `make test-clients` has pip install. */
const AWS_CLI_1 = process.env.VOIK_AWS_CLI_1 ?? "aws, version 1,";

let voik: VoikProcess;
const folder = temporaryFolder("snippets");

beforeAll(async () => {
  voik = await VoikProcess.start();
  const client = kinesisClient(voik.addresses.kinesis);
  await createStream(client, "orders", 1);
  client.destroy();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await voik?.stop();
  await voik?.[Symbol.asyncDispose]();
});

/** The code blocks of a language on the page, for the server under test. */
function snippets(language: string): string[] {
  const own = SNIPPETS.filter((snippet) => snippet.language === language);
  return own.map(({ code }) => code.replaceAll(DOCUMENTED_ENDPOINT, voik.addresses.kinesis));
}

/** The one snippet of a language, written to a file of a folder of its own. */
function fileOf(language: string, name: string): { path: string; folder: string } {
  const [code, ...more] = snippets(language);
  if (code === undefined || more.length > 0)
    throw new Error(`docs/kinesis.md has not one ${language} snippet`);
  const own = join(folder, language);
  mkdirSync(own, { recursive: true });
  const path = join(own, name);
  writeFileSync(path, code);
  return { path, folder: own };
}

async function dataOf(key: string): Promise<string[]> {
  const client = kinesisClient(voik.addresses.kinesis);
  const records = await readStream(client, "orders");
  client.destroy();
  return records.filter((record) => record.key === key).map(({ data }) => data.toString());
}

test("JavaScript", async () => {
  const { path, folder: own } = fileOf("js", "snippet.mjs");
  symlinkSync(join(ROOT, "node_modules"), join(own, "node_modules"));
  const out = await run([process.execPath, path], { env: AWS_ENV });
  expect(out.toString()).toStartWith("shardId-000000000000 ");
  expect(await dataOf("javascript")).toEqual(["from JavaScript"]);
}, 30_000);

testWith("AWS CLI", ["/usr/bin/aws"], false, async () => {
  const [create = "", put = ""] = snippets("sh");
  expect(create).toContain("create-stream");
  await run(["/bin/sh", "-c", create.replace("orders", "other")], { env: AWS_ENV });
  expect((await run(["/bin/sh", "-c", put], { env: AWS_ENV })).toString()).toContain("shardId-000000000000");
  expect(await dataOf("cli")).toEqual(["from the CLI"]);
});

testWith("AWS CLI, version 1", [AWS_CLI_1], true, async () => {
  const [, , put = ""] = snippets("sh");
  const env = { ...AWS_ENV, PATH: `${dirname(AWS_CLI_1)}:${AWS_ENV.PATH}` };
  expect((await run(["/bin/sh", "-c", put], { env })).toString()).toContain("shardId-000000000000");
  expect(await dataOf("cli-1")).toEqual(["from the CLI, version 1"]);
});

testWith("Python", ["/usr/bin/python3"], false, async () => {
  const out = await run(["/usr/bin/python3", fileOf("python", "snippet.py").path], { env: AWS_ENV });
  expect(out.toString()).toStartWith("shardId-000000000000 ");
  expect(await dataOf("python")).toEqual(["from Python"]);
});

describe("fetched SDKs", () => {
  testWith("Java, over CBOR and HTTP/2, with SubscribeToShard", ["java", "mvn"], true, async () => {
    const { path, folder: own } = fileOf("java", "Snippet.java");
    writeFileSync(join(own, "pom.xml"), pom());
    const jars = join(own, "jars.txt");
    const maven = ["mvn", "-q", "-B", "-f", join(own, "pom.xml"), "dependency:build-classpath"];
    await run([...maven, `-Dmdep.outputFile=${jars}`], { env: TOOL_ENV });
    const command = ["java", "-cp", readFileSync(jars, "utf8"), path];
    const child = Bun.spawn(command, { env: TOOL_ENV, stdout: "pipe", stderr: "pipe" });
    let out = "";
    // It goes on reading until its subscription ends, so it is ended here once it has read its own record.
    for await (const chunk of child.stdout) {
      out += Buffer.from(chunk).toString();
      if (out.includes("java: from Java")) break;
    }
    child.kill("SIGKILL");
    const lines = `${out}\n${await child.stderr.text()}`;
    expect(lines).toContain("java: from Java");
    expect(out).toStartWith("shardId-000000000000 ");
    expect(await dataOf("java")).toEqual(["from Java"]);
  });

  testWith("Go", ["go"], true, async () => {
    const { folder: own } = fileOf("go", "main.go");
    const go = (...args: string[]) => run(["go", "-C", own, ...args], { env: TOOL_ENV });
    await go("mod", "init", "snippet");
    await go("mod", "tidy");
    expect((await go("run", ".")).toString()).toStartWith("shardId-000000000000 ");
    expect(await dataOf("go")).toEqual(["from Go"]);
  });

  testWith("Go asks for gzip, and gets it where it pays", ["go"], true, async () => {
    const own = join(folder, "gzip");
    mkdirSync(own);
    copyFileSync(join(import.meta.dir, "gzip-go/main.go"), join(own, "main.go"));
    const client = kinesisClient(voik.addresses.kinesis);
    await createStream(client, "gzip", 1);
    const line = Buffer.from('{"level":"info","message":"a user has logged in"}'.repeat(20));
    const records = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, data: line }));
    await putAll(client, "gzip", records);
    client.destroy();
    const go = (...args: string[]) => run(["go", "-C", own, ...args], { env: TOOL_ENV });
    await go("mod", "init", "snippet");
    await go("mod", "tidy");
    const out = await go("run", ".", voik.addresses.kinesis, "gzip");
    expect(out.toString().trim()).toBe(`500 records, ${500 * line.length} bytes, 1 reply in gzip`);
  });

  // Four minutes of a core, most of them for AWS's crates.
  if (process.env.VOIK_TEST_RUST !== "1") return test.skip("Rust (VOIK_TEST_RUST=1 runs it)", () => {});
  testWith("Rust", ["cargo"], true, async () => {
    const { path, folder: own } = fileOf("rust", "main.rs");
    const [dependencies = ""] = snippets("toml");
    writeFileSync(join(own, "Cargo.toml"), PACKAGE + dependencies);
    mkdirSync(join(own, "src"));
    renameSync(path, join(own, "src/main.rs"));
    const cargo = ["cargo", "run", "--quiet", "--manifest-path", join(own, "Cargo.toml")];
    expect((await run(cargo, { env: TOOL_ENV })).toString()).toStartWith("shardId-000000000000 ");
    expect(await dataOf("rust")).toEqual(["from Rust"]);
  });
});

const PACKAGE = `[package]
name = "snippet"
version = "0.1.0"
edition = "2021"

[profile.dev]
debug = false

`;

const pom = () => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>voik</groupId>
  <artifactId>snippet</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>software.amazon.awssdk</groupId>
      <artifactId>kinesis</artifactId>
      <version>${JAVA_SDK}</version>
    </dependency>
  </dependencies>
</project>
`;
