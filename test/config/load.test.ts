/** The configuration: where values come from, which source wins, and what a person is told about a bad one. */
import { expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { loadConfig, loadOption } from "../../src/config/load.ts";
import { OPTION_LIST, OPTIONS } from "../../src/config/schema.ts";

const noFile = (): string => {
  throw new Error("no file was expected to be read");
};
const fileOf = (content: string) => () => content;

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(VoikError);
    expect((error as VoikError).code).toBe("config_invalid");
    expect((error as VoikError).message).not.toContain("\n");
    return (error as VoikError).message;
  }
  throw new Error("the configuration was accepted");
}

test("without any source every option has its documented default", () => {
  const { config, warnings } = loadConfig({}, {}, noFile);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    dataDir: "./voik-data",
    host: "127.0.0.1",
    kafkaPort: 9092,
    kinesisPort: 4567,
    adminPort: 8080,
    advertise: undefined,
    segmentBytes: 128 * 1024 * 1024,
    retentionMs: 7 * 86_400_000,
    retentionBytes: Infinity,
    batchBytesMax: 1_048_588,
    autoCreateStreams: true,
    autoCreateShards: 1,
    kinesisLimits: "none",
    kinesisAccount: "000000000000",
  });
});

test("flags win over the environment, the environment over the file, the file over the defaults", () => {
  const file = fileOf('kafka-port = 1\nkinesis-port = 1\nadmin-port = 1\nhost = "10.0.0.1"');
  const env = { VOIK_KAFKA_PORT: "2", VOIK_KINESIS_PORT: "2", VOIK_CONFIG: "voik.toml" };
  const { config } = loadConfig({ "kafka-port": "3" }, env, file);
  expect([config.kafkaPort, config.kinesisPort, config.adminPort, config.host]).toEqual([
    3,
    2,
    1,
    "10.0.0.1",
  ]);
  expect(config.segmentBytes).toBe(128 * 1024 * 1024);
});

test("the flag --config wins over VOIK_CONFIG", () => {
  const paths: string[] = [];
  loadConfig({ config: "a.toml" }, { VOIK_CONFIG: "b.toml" }, (path) => {
    paths.push(path);
    return "";
  });
  expect(paths).toEqual(["a.toml"]);
});

test("a file named .json is read as JSON, with numbers and booleans as they are", () => {
  const file = fileOf('{ "kafka-port": 19092, "auto-create-streams": false, "segment-bytes": "1MiB" }');
  const { config } = loadConfig({ config: "voik.json" }, {}, file);
  expect([config.kafkaPort, config.autoCreateStreams, config.segmentBytes]).toEqual([
    19092,
    false,
    1024 * 1024,
  ]);
});

test("a bad flag names the option, its source and what is allowed", () => {
  const message = failure(() => loadConfig({ "kafka-port": "70000" }, {}, noFile));
  expect(message).toBe(
    'flag --kafka-port is "70000": --kafka-port takes a port from 0 to 65535 (0 is any free port)',
  );
});

test("a bad environment variable names itself", () => {
  const message = failure(() => loadConfig({}, { VOIK_RETENTION: "7 weeks" }, noFile));
  expect(message).toContain('environment variable VOIK_RETENTION is "7 weeks": --retention takes a duration');
});

test("a bad value in the file names the key and the file", () => {
  const message = failure(() => loadConfig({ config: "voik.toml" }, {}, fileOf("log-level = [1, 2]")));
  expect(message).toBe(
    '"log-level" in voik.toml is "[1,2]": --log-level takes debug or info or warn or error',
  );
});

test("unknown keys in the file are refused by name", () => {
  const message = failure(() =>
    loadConfig({ config: "voik.toml" }, {}, fileOf("kafka-prot = 1\n[section]\na = 1")),
  );
  expect(message).toContain('unknown keys: "kafka-prot", "section"');
});

test("unknown VOIK_ variables are named in a warning and other variables are not", () => {
  const { warnings } = loadConfig({}, { VOIK_PROT: "1", VOIKING: "1", HOME: "/" }, noFile);
  expect(warnings).toEqual(["environment variable VOIK_PROT is not one of voik's and is ignored"]);
});

test("a Kubernetes service link is no port", () => {
  const { config, warnings } = loadConfig({}, { VOIK_KAFKA_PORT: "tcp://10.0.0.7:9092" }, noFile);
  expect(config.kafkaPort).toBe(9092);
  expect(warnings.join()).toContain("VOIK_KAFKA_PORT=tcp://10.0.0.7:9092 is a Kubernetes service link");
});

test("a file that is missing or broken is named", () => {
  expect(failure(() => loadConfig({ config: "/nowhere/voik.toml" }, {}))).toContain(
    "config file /nowhere/voik.toml",
  );
  expect(failure(() => loadConfig({ config: "a.toml" }, {}, fileOf("host = = 1")))).toContain(
    "config file a.toml",
  );
  expect(failure(() => loadConfig({ config: "a.json" }, {}, fileOf("[1]")))).toContain(
    "has to hold keys and values",
  );
});

test("a switch may be written bare, negated or with its value", () => {
  const read = (flags: Record<string, string | boolean>) =>
    loadConfig(flags, {}, noFile).config.autoCreateStreams;
  expect(read({ "auto-create-streams": "" })).toBe(true);
  expect(read({ "auto-create-streams": false })).toBe(false);
  expect(read({ "auto-create-streams": "false" })).toBe(false);
  expect(failure(() => read({ "auto-create-streams": "maybe" }))).toContain("takes true or false");
});

test("an option that takes a value can't be negated", () => {
  expect(failure(() => loadConfig({ host: false }, {}, noFile))).toContain("--no-host makes no sense");
});

test.each([
  ["advertise", "broker.example.com", true],
  ["advertise", "10.0.0.1:19092", true],
  ["advertise", "[::1]:9092", true],
  ["advertise", "kafka://broker:9092", false],
  ["advertise", "", false],
  ["kinesis-account", "123456789012", true],
  ["kinesis-account", "12345", false],
  ["segment-bytes", "1KiB", false],
  ["segment-bytes", "1GiB", true],
  ["segment-bytes", "4GiB", false],
  ["retention-bytes", "unlimited", true],
  ["retention-bytes", "-1", false],
  ["log-format", "JSON", false],
  ["auto-create-shards", "0", false],
  ["auto-create-shards", "1e2", false],
])("--%s=%s is allowed: %p", (flag, value, allowed) => {
  const read = () => loadConfig({ [flag]: value }, {}, noFile);
  if (allowed) expect(read().warnings).toEqual([]);
  else expect(failure(read)).toContain(`flag --${flag} is`);
});

test("an advertised address is a host with or without a port, in brackets when it is IPv6", () => {
  const read = (advertise: string) => loadConfig({ advertise }, {}, noFile).config.advertise;
  expect(read("broker.example.com")).toEqual({ host: "broker.example.com", port: undefined });
  expect(read("10.0.0.1:19092")).toEqual({ host: "10.0.0.1", port: 19092 });
  expect(read("[::1]:9092")).toEqual({ host: "::1", port: 9092 });
  expect(read("[fe80::1]")).toEqual({ host: "fe80::1", port: undefined });
  expect(failure(() => read("host:0"))).toContain("flag --advertise is");
  expect(failure(() => read("host:65536"))).toContain("flag --advertise is");
});

test("one option can be read alone", () => {
  expect(loadOption(OPTIONS.adminPort, {}, { VOIK_ADMIN_PORT: "81" })).toBe(81);
  expect(loadOption(OPTIONS.adminPort, { "admin-port": "82" }, { VOIK_ADMIN_PORT: "81" })).toBe(82);
});

test("every default is allowed by its own option, and flags and variables are unique", () => {
  const names = OPTION_LIST.flatMap(([, option]) => [option.flag, option.env]);
  expect(new Set(names).size).toBe(names.length);
  for (const [, option] of OPTION_LIST) {
    if (option.defaultText !== undefined)
      expect(option.schema.safeParse(option.defaultText).success).toBe(true);
  }
});
