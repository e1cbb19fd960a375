/** What the command line says to a person who asks for help or gets something wrong. */
import { expect, test } from "bun:test";
import { version } from "../../package.json" with { type: "json" };
import { runCli } from "./run-cli.ts";

test("version and --version print the version", async () => {
  expect((await runCli(["--version"])).stdout).toBe(`${version}\n`);
  expect((await runCli(["version"])).stdout).toStartWith(`voik ${version} (bun `);
});

test("--help lists the commands in plain text, and each command has its own", async () => {
  const help = await runCli(["--help"]);
  expect(help.code).toBe(0);
  for (const name of ["serve", "stream", "produce", "consume", "health"]) expect(help.stdout).toContain(name);
  expect(help.stdout).not.toContain("\u001b[");
  expect((await runCli(["serve", "--help"])).stdout).toContain("--kafka-port=<port>");
  expect((await runCli(["stream", "create", "--help"])).stdout).toContain("voik stream create");
});

test.each([
  [[], "a command is missing"],
  [["sevre"], 'there is no command "sevre"'],
  [["constructor"], 'there is no command "constructor"'],
  [["stream", "make"], 'there is no command "stream make"'],
  [["serve", "--kafka-prot", "1"], "unknown option --kafka-prot"],
  [["serve", "now"], 'unexpected argument "now"'],
  [["produce"], "Missing required positional argument: STREAM"],
  [["consume", "s", "--format", "xml"], "Invalid value for argument: --format"],
  [["consume", "s", "--count", "ten"], "--count takes a whole number"],
  [["produce", "s", "--key-by", "a", "--key-separator", ","], "not both"],
  [["stream", "list", "--broker", "nowhere"], "--broker takes host:port"],
])("voik %p is refused with one line and exit code 64", async (args, message) => {
  const { code, stderr, stdout } = await runCli(args);
  expect(stderr).toStartWith("voik: ");
  expect(stderr).toContain(message);
  expect(stderr.trimEnd()).not.toContain("\n");
  expect([code, stdout]).toEqual([64, ""]);
});

test("a bad option ends serve with exit code 78 and a line that names option, source and what is allowed", async () => {
  const { code, stderr } = await runCli(["serve"], { env: { VOIK_ADMIN_PORT: "http" } });
  expect(stderr).toBe(
    'voik: environment variable VOIK_ADMIN_PORT is "http": --admin-port takes a port from 0 to 65535 (0 is any free port)\n',
  );
  expect(code).toBe(78);
});

test("a client command without a broker ends with exit code 69", async () => {
  const { code, stderr } = await runCli(["stream", "list", "--broker", "127.0.0.1:1"]);
  expect(stderr).toStartWith("voik: no broker answers at 127.0.0.1:1");
  expect(code).toBe(69);
});

test("health without a broker ends with exit code 1", async () => {
  const { code, stderr } = await runCli(["health", "--admin-port", "1"]);
  expect(stderr).toBe("voik: nothing answers at http://127.0.0.1:1/readyz\n");
  expect(code).toBe(1);
});
