/** `voik user` and `voik acl`: on a running voik, on the folder of one that is stopped, and never a secret in sight. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CONTROL_SOCKET } from "../../src/admin/control-server.ts";
import { openTestAccess } from "../helpers/access.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

const SOURCE = [process.execPath, join(import.meta.dir, "../../src/main.ts")];
const PASSWORD = "correct horse battery staple";
/** A dozen processes, one after the other. */
const LIFE_TIMEOUT_MS = 60_000;
const READ_ORDERS = ["--principal", "ann", "--operation", "describe,read", "--topic", "orders"];

let folder: string;
const cli = (args: string[], options: Parameters<typeof runCli>[1] = {}) =>
  runCli([...args, "--data-dir", folder], options);

/** The whole life of a user and its entries; the same whoever answers. */
async function lifeOfAUser(): Promise<void> {
  const made = await cli(["user", "create", "ann"], { stdin: `${PASSWORD}\n` });
  expect(made).toEqual({ code: 0, stdout: "created ann\n", stderr: "" });
  expect((await cli(["user", "create", "ann"], { stdin: "x\n" })).stderr).toBe(
    "voik: there is a user ann already\n",
  );
  const keys = await cli(["user", "create", "bob", "--access-key"]);
  expect(keys.stdout).toMatch(/^aws_access_key_id = VOIK[A-Z2-7]{16}\naws_secret_access_key = \S{40}\n$/);
  const id = keys.stdout.slice("aws_access_key_id = ".length, keys.stdout.indexOf("\n"));
  expect((await cli(["user", "list"])).stdout).toBe(`ann\tSCRAM-SHA-256 SCRAM-SHA-512\nbob\t${id}\n`);

  const changed = await cli(["user", "password", "ann"], { env: { VOIK_PASSWORD: "another" } });
  expect(changed.stdout).toBe("changed the password of ann\n");
  expect((await cli(["user", "access-key", "bob", "--delete", id])).stdout).toBe(`deleted ${id}\n`);
  expect((await cli(["user", "access-key", "bob", "--delete", id])).code).toBe(1);

  const lines =
    "allow\tUser:ann\tdescribe\ttopic\torders\tfrom *\nallow\tUser:ann\tread\ttopic\torders\tfrom *\n";
  expect((await cli(["acl", "add", ...READ_ORDERS])).stdout).toBe(lines);
  await cli([
    "acl",
    "add",
    "--principal",
    "*",
    "--operation",
    "all",
    "--group",
    "g-",
    "--prefixed",
    "--deny",
  ]);
  expect((await cli(["acl", "list"])).stdout.split("\n").sort().join("\n")).toBe(
    `\n${[...lines.trimEnd().split("\n"), "deny\tUser:*\tall\tgroup\tg- (prefixed)\tfrom *"].sort().join("\n")}`,
  );
  expect((await cli(["acl", "list", "--group", "g-7"])).stdout).toContain("g- (prefixed)");
  expect((await cli(["acl", "list", "--group", "h"])).stdout).toBe("");
  expect((await cli(["acl", "remove", "--principal", "ann"])).stdout).toBe(lines);
  expect((await cli(["acl", "remove", "--principal", "ann"])).code).toBe(1);

  expect((await cli(["user", "delete", "ann"])).stdout).toBe("deleted ann\n");
  expect((await cli(["user", "delete", "ann"])).stderr).toBe("voik: there is no user ann\n");
}

describe("on a running voik", () => {
  let voik: VoikProcess;
  beforeAll(async () => {
    folder = temporaryFolder("control");
    voik = await VoikProcess.start({ folder, command: SOURCE });
  });
  afterAll(async () => {
    await voik[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test("users and ACLs are made, changed and removed", lifeOfAUser, LIFE_TIMEOUT_MS);

  test("every file and the socket are the owner's alone, and no secret is in log, metrics or command line", async () => {
    const made = await cli(["user", "create", "carl", "--access-key", "--password"], {
      env: { VOIK_PASSWORD: PASSWORD },
    });
    const secret = made.stdout.slice(made.stdout.lastIndexOf(" ") + 1).trim();
    expect(secret).toHaveLength(40);
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(entries.map(({ name }) => name)).toContain(CONTROL_SOCKET);
    expect(entries.map(({ name }) => name)).toContain("access.db");
    expect(statSync(folder).mode & 0o077).toBe(0);
    for (const entry of entries) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
      expect([entry.name, mode]).toEqual([entry.name, entry.isDirectory() ? 0o700 : 0o600]);
    }
    const metrics = await (await fetch(`${voik.addresses.admin}/metrics`)).text();
    const commandLine = readFileSync(`/proc/${voik.pid}/cmdline`, "utf8");
    const refused = await cli(["user", "create", "carl"], { env: { VOIK_PASSWORD: PASSWORD } });
    for (const shown of [metrics, voik.stderr, commandLine, refused.stderr]) {
      expect(shown).not.toContain(PASSWORD);
      expect(shown).not.toContain(secret);
    }
  });

  test("a socket that a killed voik left behind is replaced", async () => {
    await voik.kill();
    expect(existsSync(join(folder, CONTROL_SOCKET))).toBeTrue();
    expect((await cli(["user", "list"])).code).toBe(0);
    voik = await VoikProcess.start({ folder, command: SOURCE });
    expect((await cli(["user", "list"])).code).toBe(0);
    await voik.stop();
    expect(existsSync(join(folder, CONTROL_SOCKET))).toBeFalse();
  });

  test("a folder whose path is longer than a socket address has a socket all the same", async () => {
    const long = join(folder, "x".repeat(120));
    mkdirSync(long, { mode: 0o700 });
    await using deep = await VoikProcess.start({ folder: long, command: SOURCE });
    const { code, stderr } = await runCli(["user", "list", "--data-dir", long]);
    expect([code, stderr]).toEqual([0, ""]);
    await deep.stop();
  });
});

describe("on the folder of a stopped voik", () => {
  beforeEach(async () => {
    folder = temporaryFolder("access");
    (await openTestAccess({ folder })).close();
  });

  test(
    "users and ACLs are made, changed and removed",
    async () => {
      await lifeOfAUser();
      rmSync(folder, { recursive: true });
    },
    LIFE_TIMEOUT_MS,
  );

  test.each([
    [["user", "create", "ann"], 64, "a password is missing"],
    [["user", "create", "a", PASSWORD], 64, "unexpected argument"],
    [["user", "create", "ann", "--password", "secret"], 64, "unexpected argument"],
    [["acl", "add", "--principal", "ann"], 64, "give --principal, --operation"],
    [
      ["acl", "add", "--principal", "ann", "--operation", "fly", "--topic", "t"],
      64,
      "--operation takes all, read",
    ],
    [["acl", "list", "--topic", "a", "--group", "b"], 64, "one or the other"],
    [["acl", "remove"], 64, "say which"],
    [
      ["acl", "add", "--principal", "ann", "--operation", "write", "--group", "g"],
      1,
      "don't have: all, read",
    ],
  ])("voik %p is refused", async (args, code, message) => {
    const result = await cli(args);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
    rmSync(folder, { recursive: true });
  });

  test("a folder that is none is refused and left as it is", async () => {
    rmSync(join(folder, "access.db"));
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const { code, stderr } = await cli(["user", "list"]);
    expect([code, stderr]).toEqual([1, `voik: ${folder} is not a data folder: give --data-dir\n`]);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
