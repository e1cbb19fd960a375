/**
 * The smoke test of run.sh: `bun test/musl/smoke.ts ROOT`. Starts voik inside ROOT by chroot, as an ordinary user,
 * with an empty environment; writes with kcat, reads with the AWS SDK, the other way round, across a kill -9; looks
 * from outside at what the process has mapped and which calls it makes. Prints a line for each thing that holds.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kcatConsume, kcatProduce } from "../helpers/kcat.ts";
import { createStream, kinesisClient, putAll, readStream } from "../helpers/kinesis-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const USER = "10001:65534";
const PACKAGES = "dist/native/bun-linux-x64-musl/node_modules";
/** The musl builds of the native packages, as npm gave them. */
const NATIVES = {
  "CRC-32C": "@node-rs/crc32-linux-x64-musl",
  snappy: "@napi-rs/snappy-linux-x64-musl",
  lz4: "@antoniomuso/lz4-napi-linux-x64-musl",
};
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];

const root = process.argv[2];
if (root === undefined) throw new Error("give the root folder that run.sh made");

function holds(what: string, condition: boolean): void {
  console.log(`${condition ? "ok  " : "FAIL"} ${what}`);
  if (!condition) process.exitCode = 1;
}

const equal = (a: unknown, b: unknown): boolean => Bun.deepEquals(a, b, true);

/** Files that the process has mapped, with the bytes that it really sees. */
function mappedFiles(pid: number): Map<string, string> {
  const files = new Map<string, string>();
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const [range = "", , , , , ...path] = line.trim().split(/\s+/);
    if (path[0]?.startsWith("/")) files.set(path.join(" "), `/proc/${pid}/map_files/${range}`);
  }
  return files;
}

/** Runs `work` while strace watches the process; returns how often each of `calls` succeeded. */
async function countCalls(pid: number, calls: readonly string[], work: () => Promise<void>) {
  const strace = Bun.spawn(["strace", "-f", "-p", String(pid), "-e", `trace=${calls.join(",")}`], {
    stdout: "ignore",
    stderr: "pipe",
  });
  const reader = strace.stderr.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const attached = Promise.withResolvers<void>();
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value);
      if (text.includes("attached")) attached.resolve();
    }
  })();
  await Promise.race([attached.promise, strace.exited]);
  await work();
  strace.kill("SIGINT");
  await Promise.all([strace.exited, reading]);
  return new Map(
    calls.map((call) => [call, [...text.matchAll(new RegExp(`\\b${call}\\(.*= [1-9]\\d*$`, "gm"))].length]),
  );
}

const inRoot = [Bun.which("chroot") ?? "/usr/sbin/chroot", `--userspec=${USER}`, root, "/usr/bin/voik"];
const voik = await VoikProcess.start({
  command: inRoot,
  dataDir: "/data",
  folder: join(root, "data"),
  env: {},
  args: ["--auto-create-shards", "2"],
});
console.log(
  `ready after ${voik.readyMs.toFixed()} ms, ${(voik.residentBytes() / 1e6).toFixed()} MB resident`,
);
try {
  const fromKafka = testRecords(71, 300);
  const fromKinesis = testRecords(72, 300);
  let kinesis = kinesisClient(voik.addresses.kinesis);

  for (const codec of CODECS) {
    await kcatProduce(voik.addresses.kafka, `from-kafka-${codec}`, fromKafka, ["-z", codec]);
    const read = await readStream(kinesis, `from-kafka-${codec}`);
    holds(`kcat with ${codec} in, AWS SDK out: same bytes`, equal(byKey(read), byKey(fromKafka)));
  }
  await createStream(kinesis, "from-kinesis", 2);
  await putAll(kinesis, "from-kinesis", fromKinesis);
  const calls = await countCalls(voik.pid, ["sendfile"], async () => {
    const read = await kcatConsume(voik.addresses.kafka, "from-kinesis", ["-X", "check.crcs=true"]);
    holds("AWS SDK in, kcat out: same bytes, checksums good", equal(byKey(read), byKey(fromKinesis)));
  });
  holds(`a fetch goes through sendfile (${calls.get("sendfile")} calls)`, (calls.get("sendfile") ?? 0) > 0);

  const { port } = new URL(voik.addresses.admin);
  const health = Bun.spawnSync([...inRoot, "health", "--admin-port", port], { env: {} });
  holds("voik health, which the image's HEALTHCHECK runs, finds it ready", health.exitCode === 0);

  const files = mappedFiles(voik.pid);
  const names = [...files.keys()];
  holds(
    "its C library is musl's",
    names.some((name) => /\/ld-musl-x86_64\.so\.1$|\/libc\.musl-/.test(name)),
  );
  holds("no glibc is mapped", !names.some((name) => /\/libc\.so\.6|ld-linux/.test(name)));
  const seen = names
    .filter((name) => /\.node\b/.test(name))
    .map((name) => readFileSync(files.get(name) as string));
  for (const [what, name] of Object.entries(NATIVES)) {
    const [path = ""] = globSync(join(PACKAGES, name, "*.node"));
    const wanted = readFileSync(path);
    holds(
      `${what} is the native package's musl build`,
      seen.some((bytes) => bytes.equals(wanted)),
    );
  }

  kinesis.destroy();
  await voik.kill();
  await voik.restart();
  kinesis = kinesisClient(voik.addresses.kinesis);
  const after = [await readStream(kinesis, "from-kafka-lz4"), await readStream(kinesis, "from-kinesis")];
  holds("both are there after kill -9", equal(after.map(byKey), [byKey(fromKafka), byKey(fromKinesis)]));
  kinesis.destroy();
  await voik.stop();
  holds("SIGTERM ends it with exit code 0", true);
} catch (error) {
  console.log(voik.stderr.slice(-4000));
  throw error;
} finally {
  await voik[Symbol.asyncDispose]();
}
