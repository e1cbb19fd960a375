/** The client commands against a running voik: the compiled executable serves, the commands run from source. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

let voik: VoikProcess;
const cli = (args: readonly string[], stdin?: string) =>
  runCli([...args, "--broker", voik.addresses.kafka], stdin === undefined ? {} : { stdin });

beforeAll(async () => {
  voik = await VoikProcess.start();
});
afterAll(() => voik[Symbol.asyncDispose]());

/** Runs a command that has to succeed; its standard output. */
async function ok(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cli(args, stdin);
  expect([code, stderr.replace(/^\d+ records acknowledged in [\d.]+ s\n$/, "")]).toEqual([0, ""]);
  return stdout;
}

test("a stream is created, listed, described and deleted", async () => {
  expect(await ok(["stream", "create", "life", "--shards", "3", "--retention", "2d"])).toBe(
    "created life with 3 shards\n",
  );
  expect(await ok(["stream", "list"])).toContain("life\t3\n");
  const described = JSON.parse(await ok(["stream", "describe", "life", "--json"])) as { shards: object[] };
  expect(described.shards).toEqual([0, 1, 2].map((shard) => ({ shard, start: 0, end: 0 })));
  const again = await cli(["stream", "create", "life"]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("creating life: ")]);
  expect(await ok(["stream", "delete", "life"])).toBe("deleted life\n");
  expect(await ok(["stream", "list"])).not.toContain("life");
});

test("a stream's durability is chosen when it is created, and described", async () => {
  await ok(["stream", "create", "quick", "--durability", "os", "--retention", "36h"]);
  expect(await ok(["stream", "describe", "quick"])).toMatch(
    /^quick  id [0-9a-f]{32}  durability os  retention 36h\n/,
  );
  expect(JSON.parse(await ok(["stream", "describe", "quick", "--json"]))).toMatchObject({
    durability: "os",
    retentionMs: 36 * 3_600_000,
  });
  const refused = await cli(["stream", "create", "other", "--durability", "never"]);
  expect([refused.code, refused.stderr]).toEqual([64, 'voik: --durability takes sync or os, not "never"\n']);
});

test("commands on a stream that is not there say how to make it", async () => {
  for (const args of [["consume"], ["produce"], ["stream", "describe"], ["stream", "delete"]]) {
    const { code, stderr } = await cli([...args, "nothing"]);
    expect([code, stderr]).toEqual([
      1,
      "voik: there is no stream nothing: voik stream create nothing makes one\n",
    ]);
  }
});

test("lines go in and come out byte for byte", async () => {
  await ok(["stream", "create", "lines"]);
  const text = "one\n\ntwo\twith tab\nüñí\r\nlast without newline";
  await ok(["produce", "lines"], text);
  expect(await ok(["consume", "lines"])).toBe(`${text}\n`);
});

test("consume starts at an offset or a time and ends after a count", async () => {
  await ok(["stream", "create", "from"]);
  await ok(["produce", "from"], "0\n1\n2\n3\n4\n");
  expect(await ok(["consume", "from", "--from", "3"])).toBe("3\n4\n");
  expect(await ok(["consume", "from", "--from", "1", "--count", "2"])).toBe("1\n2\n");
  expect(await ok(["consume", "from", "--from", "latest"])).toBe("");
  expect(await ok(["consume", "from", "--from", "1h", "--count", "1"])).toBe("0\n");
  expect(await ok(["consume", "from", "--from", "2999-01-01T00:00:00Z"])).toBe("");
  for (const words of ["yesterday", "-5", "shard 7", "1".repeat(20)]) {
    const bad = await cli(["consume", "from", `--from=${words}`]);
    expect([bad.code, bad.stderr]).toEqual([64, expect.stringContaining(`not "${words}"`)]);
  }
  const outside = await cli(["consume", "from", "--from", "99"]);
  expect(outside.code).toBe(0);
});

test("keys come from JSON fields or from before a separator, and the same key has one shard", async () => {
  await ok(["stream", "create", "keys", "--shards", "4"]);
  await ok(["produce", "keys", "--key-by", "user.id"], '{"user":{"id":7},"n":1}\n{"user":{"id":7},"n":2}\n');
  await ok(["produce", "keys", "--key-separator", "="], "7=three\n");
  const records = (await ok(["consume", "keys", "--format", "json"])).trimEnd().split("\n");
  const seen = records.map(
    (line) => JSON.parse(line) as { shard: number; offset: number; key: string; value: string },
  );
  expect(new Set(seen.map(({ shard }) => shard)).size).toBe(1);
  expect(seen.map(({ key }) => key)).toEqual(["7", "7", "7"]);
  expect(seen.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(seen[2]?.value).toBe("three");
  expect(await ok(["consume", "keys", "--format", "key-value", "--count", "1"])).toBe(
    '7\t{"user":{"id":7},"n":1}\n',
  );
});

test("more data than a batch holds goes through in order", async () => {
  await ok(["stream", "create", "much"]);
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${"x".repeat(i % 100)}`);
  await ok(["produce", "much"], `${lines.join("\n")}\n`);
  expect(await ok(["consume", "much"])).toBe(`${lines.join("\n")}\n`);
});

test("a line over the limit of a record is refused", async () => {
  await ok(["stream", "create", "long"]);
  const { code, stderr } = await cli(["produce", "long"], "x".repeat(1024 * 1024));
  expect([code, stderr]).toEqual([1, expect.stringContaining("a line has more than")]);
});

test("a bad line ends produce; what stood before it is written, and counted", async () => {
  await ok(["stream", "create", "bad-line"]);
  const { code, stderr } = await cli(
    ["produce", "bad-line", "--key-separator", "="],
    "a=1\nb=2\nnone\nc=3\n",
  );
  expect([code, stderr.replace(/in [\d.]+ s/, "in time")]).toEqual([
    1,
    '2 records acknowledged in time\nvoik: line 3 has no "=" between key and value\n',
  ]);
  expect(await ok(["consume", "bad-line"])).toBe("1\n2\n");
});

test("consume --follow hears what is written later", async () => {
  await ok(["stream", "create", "follow"]);
  const consumer = cli(["consume", "follow", "--follow", "--count", "2"]);
  await ok(["produce", "follow"], "first\n");
  await ok(["produce", "follow"], "second\n");
  expect(await consumer).toMatchObject({ code: 0, stdout: "first\nsecond\n" });
});

test("consume ends in peace when its reader goes away", async () => {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const pipe = '"$0" "$1" consume much --broker "$2" | head -n 1; echo "${PIPESTATUS[0]}"';
  await ok(["stream", "describe", "much"]);
  const shell = Bun.spawn(["bash", "-c", pipe, process.execPath, main, voik.addresses.kafka], {
    stderr: "pipe",
  });
  expect(await shell.stdout.text()).toBe("0 \n0\n");
  expect(await shell.stderr.text()).toBe("");
});

test("a consumer of a group whose reader goes away leaves, and commits nothing that was not written", async () => {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const pipe = '"$0" "$1" consume much --group piped --broker "$2" | head -n 1; echo "${PIPESTATUS[0]}"';
  const shell = Bun.spawn(["bash", "-c", pipe, process.execPath, main, voik.addresses.kafka], {
    stderr: "pipe",
  });
  expect(await shell.stderr.text()).toBe("");
  expect(await shell.stdout.text()).toBe("0 \n0\n");
  // A group that has committed nothing, and that nobody is in, is none.
  expect((await cli(["group", "describe", "piped"])).stderr).toContain("there is no group piped");
});

test("a login that the broker does not want is refused with the reason", async () => {
  const env = { VOIK_USER: "ann", VOIK_PASSWORD: "secret" };
  const { code, stderr } = await runCli(["stream", "list", "--broker", voik.addresses.kafka], { env });
  expect([code, stderr]).toEqual([
    1,
    "voik: the broker refuses the login: it wants none (--kafka-auth=none or tls)\n",
  ]);
});

test("a file that can't be read is named", async () => {
  await ok(["stream", "create", "filed"]);
  for (const path of ["/nowhere", import.meta.dir]) {
    const { code, stderr } = await cli(["produce", "filed", "--file", path]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`voik: --file: ${path} can't be read: E`)]);
  }
});

test("headers go in and come out, on every record", async () => {
  await ok(["stream", "create", "headers"]);
  await ok(["produce", "headers", "--headers", "source=test,empty=,equals=a=b"], "one\ntwo\n");
  const records = (await ok(["consume", "headers", "--format", "json"])).trim().split("\n");
  const headers = [
    { key: "source", value: "test" },
    { key: "empty", value: "" },
    { key: "equals", value: "a=b" },
  ];
  for (const record of records) expect(JSON.parse(record)).toMatchObject({ headers });
  expect(records.length).toBe(2);
  expect((await cli(["produce", "headers", "--headers", "nothing"])).code).toBe(64);
});
