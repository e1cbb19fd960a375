/**
 * Builds the executables: `bun deploy/build.ts` voik for this machine, `bench` the benchmarks in the same way, so that what
 * they measure is code as it is shipped; both into dist. `--release` builds voik for every target into dist/release with
 * SHA256SUMS, and the name of one target ("bun-linux-x64-musl") voik for it into dist.
 *
 * Each executable carries one native file of each native package: its own. The packages' loaders, which would look
 * for the right one at run time (and obey an environment variable), are left out; a plugin puts the file in place.
 * The executable reads neither ./.env nor ./bunfig.toml of the folder it is started in.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type BuildTarget, hostTarget, isInstalled, NATIVE_PACKAGES, TARGETS } from "./targets.ts";

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");
const HOST = hostTarget(join(ROOT, "node_modules"));

const THREADS = ["src/base/volume-thread.ts", "src/kinesis/put-thread.ts"];

/** Entry points: of each program itself, and of every thread that it starts. Only voik is shipped. */
const PROGRAMS = {
  voik: ["src/main.ts", ...THREADS],
  bench: ["bench/main.ts", "bench/lib/subscribers.ts", ...THREADS],
};

async function build(program: keyof typeof PROGRAMS, target: BuildTarget, outfile: string): Promise<void> {
  const requireFrom = await nativePackagesOf(target);
  const result = await Bun.build({
    entrypoints: PROGRAMS[program].map((path) => join(ROOT, path)),
    // All beside each other, so that main's code finds the thread's by its name alone.
    naming: "[name].[ext]",
    minify: true,
    bytecode: true,
    format: "esm",
    sourcemap: "none",
    plugins: [
      {
        name: "native files of this target",
        setup(builder) {
          for (const { loader, packageFor } of NATIVE_PACKAGES) {
            const file = JSON.stringify(requireFrom.resolve(packageFor(target)));
            builder.onLoad({ filter: loader }, () => ({
              // Copied: Bun looks for the names of an import in a re-exported .node file, and finds none.
              contents: `module.exports = { ...require(${file}) };`,
              loader: "js",
            }));
          }
        },
      },
    ],
    compile: {
      ...(target === HOST ? {} : { target: target.name }),
      outfile,
      autoloadBunfig: false,
      autoloadDotenv: false,
    },
  });
  for (const log of result.logs) console.error(String(log));
  console.log(`${outfile.slice(ROOT.length + 1)}  ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB`);
}

/** Finds the target's .node files; installs them into a folder of their own when they aren't this machine's. */
async function nativePackagesOf(target: BuildTarget): Promise<NodeJS.Require> {
  let from = ROOT;
  if (!isInstalled(target, join(ROOT, "node_modules"))) {
    from = join(DIST, "native", target.name);
    await installFor(target, from);
  }
  return createRequire(join(from, "package.json"));
}

/** `npm ci` for another platform: the same lock file, so the same versions and checked hashes. */
async function installFor(target: BuildTarget, folder: string): Promise<void> {
  const [, os = "", cpu = "", libc] = target.name.split("-");
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", "package-lock.json", ".npmrc"])
    cpSync(join(ROOT, file), join(folder, file));
  const libcFlag = os === "linux" ? [`--libc=${libc ?? "glibc"}`] : [];
  const npm = [
    "npm",
    "ci",
    "--omit=dev",
    "--ignore-scripts",
    "--silent",
    `--os=${os}`,
    `--cpu=${cpu}`,
    ...libcFlag,
  ];
  const child = Bun.spawn(npm, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`${npm.join(" ")} failed`);
}

async function buildRelease(): Promise<void> {
  const folder = join(DIST, "release");
  rmSync(folder, { recursive: true, force: true });
  let sums = "";
  for (const target of TARGETS) {
    const name = target.name.replace("bun-", "voik-");
    await build("voik", target, join(folder, name));
    const hash = new Bun.CryptoHasher("sha256").update(await Bun.file(join(folder, name)).arrayBuffer());
    sums += `${hash.digest("hex")}  ${name}\n`;
  }
  await Bun.write(join(folder, "SHA256SUMS"), sums);
}

const wanted = process.argv[2];
if (wanted === undefined) await build("voik", HOST, join(DIST, "voik"));
else if (wanted === "bench") await build("bench", HOST, join(DIST, "bench"));
else if (wanted === "--release") await buildRelease();
else {
  const target = TARGETS.find((candidate) => candidate.name === wanted);
  if (!target) throw new Error(`${wanted} is not a target: ${TARGETS.map((t) => t.name).join(", ")} are`);
  await build("voik", target, join(DIST, wanted.replace("bun-", "voik-")));
}
