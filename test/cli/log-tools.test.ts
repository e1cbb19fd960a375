/** `voik log …` as processes on real folders: what they print, how they end, and who they let into the folder. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Progress } from "../../src/cli/progress.ts";
import { DataFolder, edit } from "../helpers/data-folder.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

setDefaultTimeout(30_000); // a process for each command

let data: DataFolder;
beforeEach(() => void (data = new DataFolder()));
afterEach(() => data[Symbol.dispose]());

const log = (command: string, ...args: string[]) =>
  runCli(["log", command, "--data-dir", data.path, ...args]);
const flip = (path: string, at: number) =>
  edit(path, (bytes) => void (bytes[at] = (bytes[at] as number) ^ 1));

describe("voik log verify", () => {
  test("finds no damage in a good folder", async () => {
    await data.addStream("orders", { shards: 2 });
    const { code, stdout, stderr } = await log("verify");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^no damage: 2 shards, 8 segments, 240 records, 24\.\d KiB in \d+\.\d s \(.*\/s\)\n$/,
    );
  });

  test("names file, byte and offsets of damage and ends with 74", async () => {
    await data.addStream("orders", { shards: 2 });
    const [, path = ""] = data.files(1, ".log");
    flip(path, 1_100);
    const { code, stdout, stderr } = await log("verify");
    expect([code, stderr]).toEqual([74, "voik: damage in one place\n"]);
    expect(stdout).toContain(
      `damage  ${path}: 1061 damaged bytes from byte 1061 on: offsets 40..49 are lost\n`,
    );
    const json = await log("verify", "--json", "orders", "--shard", "1");
    expect(json.code).toBe(74);
    expect(JSON.parse(json.stdout)).toMatchObject({
      shards: [{ stream: "orders", shard: 1, segments: 4, records: 110 }],
      damage: [{ path, position: 1061, bytes: 1061, offset: 40, endOffset: 50 }],
      notes: [],
    });
    expect((await log("verify", "orders", "--shard", "0")).code).toBe(0);
  });

  test("takes a torn tail, a lost index and stray files for what they are", async () => {
    await data.addStream("orders");
    const last = data.files(0, ".log").at(-1) as string;
    rmSync(join(data.shard(0), "checkpoint"));
    edit(last, (bytes) => bytes.subarray(0, bytes.length - 1));
    rmSync(data.files(0, ".timeindex")[0] as string);
    writeFileSync(join(data.shard(0), "notes.txt"), "mine");
    const { code, stdout } = await log("verify");
    expect(code).toBe(0);
    expect(stdout.match(/^note {4}/gm)).toHaveLength(3);
    expect(stdout).toContain(`${last}: 1060 bytes from byte 2122 on are no whole batch`);
  });

  test("misses the folder of a shard and a catalog that is broken, and still verifies the rest", async () => {
    await data.addStream("orders", { shards: 2 });
    rmSync(data.shard(1), { recursive: true });
    const lost = await log("verify");
    expect(lost.code).toBe(74);
    expect(lost.stdout).toContain("the folder of shard 1 of stream orders is missing");
    expect(lost.stdout).toContain("1 shards, 4 segments, 120 records");
    writeFileSync(
      join(data.path, "voik.db"),
      "not a database at all, but long enough to look like one".repeat(9),
    );
    const broken = await log("verify");
    expect(broken.code).toBe(74);
    expect(broken.stdout).toContain("the catalog can't be read");
    expect(broken.stdout).toContain("4 segments, 120 records");
  });

  test("refuses what is no data folder, no stream and no shard", async () => {
    expect(await log("verify")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is not a data folder"),
    });
    await data.addStream("orders");
    expect((await log("verify", "other")).stderr).toContain("there is no stream other");
    expect((await log("verify", "orders", "--shard", "7")).stderr).toMatch(
      /there is no shard 7 of stream orders in \S+: there are 0(, \d+)*\n/,
    );
    expect((await log("verify", "--shard", "0")).code).toBe(64);
  });
});

describe("voik log repair", () => {
  test("finds nothing to do in a good folder", async () => {
    await data.addStream("orders");
    const { code, stdout } = await log("repair");
    expect([code, stdout]).toEqual([0, "no damage: nothing to repair\n"]);
  });

  test("says what it would give up, gives it up, and the server takes writes again", async () => {
    await data.addStream("orders");
    const [, path = ""] = data.files(0, ".log");
    flip(path, 1_100);
    const dry = await log("repair", "--dry-run");
    const what = `${path}: 1061 damaged bytes from byte 1061 on: offsets 40..49 are lost`;
    expect([dry.code, dry.stdout]).toEqual([0, `would be set aside  ${what}\n`]);
    expect((await log("verify")).code).toBe(74);
    const done = await log("repair");
    const copy = path.replace(/log$/, "1061.bad");
    expect([done.code, done.stdout]).toEqual([0, `set aside  ${what}; their bytes are in ${copy}\n`]);
    expect((await log("verify")).code).toBe(0);
    await using voik = await VoikProcess.start({ folder: data.path });
    const broker = ["--broker", voik.addresses.kafka];
    expect((await runCli(["produce", "orders", ...broker], { stdin: "after\n" })).code).toBe(0);
    const read = await runCli(["consume", "orders", ...broker]);
    expect(read.stdout.trimEnd().split("\n")).toHaveLength(120 - 10 + 1);
    expect((await log("repair")).code).toBe(73);
  });

  test("leaves to a backup what it can't repair", async () => {
    await data.addStream("orders", { shards: 2 });
    rmSync(data.shard(1), { recursive: true });
    const { code, stdout, stderr } = await log("repair", "--json");
    expect([code, stderr]).toEqual([74, "voik: 1 can't be repaired: put them back from a backup\n"]);
    expect(JSON.parse(stdout)).toMatchObject([{ outcome: "can't be repaired" }]);
  });
});

describe("voik log stats and dump", () => {
  test("show what each shard holds", async () => {
    await data.addStream("orders", { compression: "zstd" });
    const { code, stdout } = await log("stats");
    expect(code).toBe(0);
    expect(stdout.split("\n")[1]).toMatch(
      /^orders +0 +\d+ +\S+ [KMiB]+ +120 +0 +120 +2026-01-02T03:04:05.000Z +2026-01-02T03:04:05.011Z +zstd 100 %$/,
    );
    const [row] = JSON.parse((await log("stats", "--json")).stdout) as object[];
    expect(row).toMatchObject({ stream: "orders", shard: 0, batches: 12, records: 120, endOffset: 120 });
  });

  test("show batches, records and index entries, and step over what is bad", async () => {
    await data.addStream("orders");
    const [path = ""] = data.files(0, ".log");
    flip(path, 1_100);
    const plain = await runCli(["log", "dump", path]);
    expect([plain.code, plain.stdout.split("\n").length]).toEqual([0, 4]);
    expect(plain.stdout).toContain("bad  byte 1061  bytes 1061\n");
    const { stdout } = await runCli(["log", "dump", path, "--json", "--records"]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({
      offset: 0,
      last: 9,
      byte: 0,
      bytes: 1061,
      records: 10,
      compression: "none",
    });
    expect(lines[1]).toMatchObject({
      offset: 0,
      key: "key-0",
      value: expect.stringContaining("shard 0 batch 00"),
    });
    expect(lines).toHaveLength(23);
    const [times = ""] = data.files(0, ".timeindex");
    expect((await runCli(["log", "dump", times])).stdout).toBe(
      "before 30  newest 2026-01-02T03:04:05.002Z\nentries 1  sealed\n",
    );
    expect((await runCli(["log", "dump", join(data.path, "voik.db")])).code).toBe(64);
    expect((await runCli(["log", "dump", join(data.path, "none")])).code).toBe(1);
  });
});

describe("a folder in use", () => {
  test("is refused with the name of its process, unless it is only read", async () => {
    await data.addStream("orders");
    await using voik = await VoikProcess.start({ folder: data.path });
    const [path = ""] = data.files(0, ".log");
    for (const args of [["verify"], ["stats"]]) {
      const refused = await log(args[0] as string);
      expect([refused.code, refused.stderr]).toEqual([
        73,
        expect.stringContaining(`in use by process ${voik.pid}`),
      ]);
      expect((await log(args[0] as string, "--read-only")).code).toBe(0);
    }
    expect((await runCli(["log", "dump", path])).code).toBe(73);
    expect((await runCli(["log", "dump", path, "--read-only"])).code).toBe(0);
  });

  test("or one that can't be locked, such as a read-only copy, can be looked at", async () => {
    await data.addStream("orders");
    mkdirSync(join(data.path, "voik.lock"));
    const refused = await log("verify");
    expect([refused.code, refused.stderr]).toEqual([
      74,
      expect.stringContaining("--read-only needs no lock"),
    ]);
    expect((await log("verify", "--read-only")).code).toBe(0);
  });

  test("is verified beside a voik that writes to it, without a false alarm", async () => {
    await using voik = await VoikProcess.start({ folder: data.path, args: ["--segment-bytes", "64KiB"] });
    const broker = ["--broker", voik.addresses.kafka];
    expect((await runCli(["stream", "create", "busy", ...broker])).code).toBe(0);
    const line = `${"x".repeat(200)}\n`;
    let done = false;
    const producing = (async () => {
      for (let i = 0; i < 3; i++) {
        const produced = await runCli(["produce", "busy", ...broker], { stdin: line.repeat(5_000) });
        expect([produced.code, produced.stderr]).toEqual([0, expect.stringContaining("acknowledged")]);
      }
      done = true;
    })();
    let rounds = 0;
    while (!done) {
      const { code, stdout } = await log("verify", "--read-only");
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^no damage/)]);
      rounds++;
    }
    await producing;
    expect(rounds).toBeGreaterThan(0);
  });
});

test("the progress line is written on a terminal only, and taken away at the end", () => {
  const written: string[] = [];
  const out = { isTTY: false, write: (text: string) => written.push(text) };
  const silent = new Progress(100, out);
  silent.add(50);
  silent.end();
  expect(written).toEqual([]);
  const shown = new Progress(100, { ...out, isTTY: true });
  shown.add(50);
  shown.end();
  expect(written[0]).toMatch(/^\r\[#{12}\.{12}\] {2}50 % {2}50 B of 100 B {2}\S+ [KMGiB]+\/s {2}\d+ s left/);
  expect(written[1]).toBe("\r\x1b[K");
});
