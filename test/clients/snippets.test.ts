/**
 * The snippets of docs/kinesis.md, "Connecting", as they stand there but for the port: each puts its record, and the
 * record is there. Java and Go fetch their SDKs from Maven and the Go module proxy: `make test-clients` runs those.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AWS_ENV, run } from "../helpers/installed.ts";
import { createStream, kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";

const ROOT = join(import.meta.dir, "../..");
const PAGE = readFileSync(join(ROOT, "docs/kinesis.md"), "utf8");
const DOCUMENTED_ENDPOINT = "http://127.0.0.1:4567";
const JAVA_SDK = "2.41.21";
const SLOW = process.env.VOIK_TEST_CLIENTS === "1";
const TOOLS_MS = 600_000;

/** Maven and Go keep what they fetch below HOME. */
const TOOL_ENV = {
  ...AWS_ENV,
  HOME: process.env.HOME ?? "/root",
  PATH: `/usr/local/go/bin:/usr/bin:/bin:${process.env.PATH}`,
};

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
  const section = PAGE.slice(
    PAGE.indexOf("## Connecting"),
    PAGE.indexOf("\n## ", PAGE.indexOf("## Connecting") + 1),
  );
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => {
    expect(code).toContain(DOCUMENTED_ENDPOINT);
    return code.replaceAll(DOCUMENTED_ENDPOINT, voik.addresses.kinesis);
  });
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

const tools = (commands: string[][]) => {
  const missing = commands.find(([tool = ""]) => Bun.which(tool, { PATH: TOOL_ENV.PATH }) === null);
  return missing === undefined ? undefined : `${missing[0]} is not installed`;
};

/** A test that runs where its tools are; elsewhere it is skipped and says why, or fails where clients are required. */
function testWith(name: string, commands: string[][], slow: boolean, body: () => Promise<void>): void {
  const missing = tools(commands);
  if (missing !== undefined && process.env.VOIK_REQUIRE_CLIENTS === "1" && !slow)
    throw new Error(`${name}: ${missing}`);
  const reason = missing ?? (slow && !SLOW ? "it is for make test-clients" : undefined);
  if (reason === undefined) return test(name, body, slow ? TOOLS_MS : 60_000);
  console.log(`skipped: ${name}: ${reason}`);
  test.skip(`${name} (${reason})`, () => {});
}

testWith("AWS CLI", [["/usr/bin/aws"]], false, async () => {
  const [create = "", put = ""] = snippets("sh");
  expect(create).toContain("create-stream");
  await run(["/bin/sh", "-c", create.replace("orders", "other")], { env: AWS_ENV });
  expect((await run(["/bin/sh", "-c", put], { env: AWS_ENV })).toString()).toContain("shardId-000000000000");
  expect(await dataOf("cli")).toEqual(["from the CLI"]);
});

testWith("Python", [["/usr/bin/python3"]], false, async () => {
  const out = await run(["/usr/bin/python3", fileOf("python", "snippet.py").path], { env: AWS_ENV });
  expect(out.toString()).toStartWith("shardId-000000000000 ");
  expect(await dataOf("python")).toEqual(["from Python"]);
});

describe("fetched SDKs", () => {
  testWith("Java, over CBOR and HTTP/2, with SubscribeToShard", [["java"], ["mvn"]], true, async () => {
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

  testWith("Go", [["go"]], true, async () => {
    const { folder: own } = fileOf("go", "main.go");
    const go = (...args: string[]) => run(["go", "-C", own, ...args], { env: TOOL_ENV });
    await go("mod", "init", "snippet");
    await go("mod", "tidy");
    expect((await go("run", ".")).toString()).toStartWith("shardId-000000000000 ");
    expect(await dataOf("go")).toEqual(["from Go"]);
  });
});

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
