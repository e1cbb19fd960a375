/**
 * Builds the executable: `bun deploy/build.ts` for this machine into dist/voik, `--release` for every target into
 * dist/release with SHA256SUMS, or one target by name ("bun-linux-x64-musl") into dist.
 *
 * Each executable carries one native CRC-32C file: its own. The package's loader, which would look for the right
 * one at run time (and obey an environment variable), is left out; a plugin puts the file in its place.
 * The executable reads neither ./.env nor ./bunfig.toml of the folder it is started in.
 */
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type BuildTarget, hostTarget, TARGETS } from "./targets.ts";

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");
const HOST = hostTarget(join(ROOT, "node_modules"));

async function build(target: BuildTarget, outfile: string): Promise<void> {
  const nativeFile = await nativeCrc(target);
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    minify: true,
    bytecode: true,
    format: "esm",
    sourcemap: "none",
    plugins: [
      {
        name: "one native file",
        setup(builder) {
          builder.onLoad({ filter: /\/@node-rs\/crc32\/index\.js$/ }, () => ({
            contents: `const native = require(${JSON.stringify(nativeFile)}); exports.crc32c = native.crc32c;`,
            loader: "js",
          }));
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

/** The path of the target's .node file; installs it into a folder of its own when it isn't this machine's. */
async function nativeCrc(target: BuildTarget): Promise<string> {
  let from = ROOT;
  if (!existsSync(join(ROOT, "node_modules", target.crcPackage))) {
    from = join(DIST, "native", target.name);
    await installFor(target, from);
  }
  return createRequire(join(from, "package.json")).resolve(target.crcPackage);
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
    await build(target, join(folder, name));
    const hash = new Bun.CryptoHasher("sha256").update(await Bun.file(join(folder, name)).arrayBuffer());
    sums += `${hash.digest("hex")}  ${name}\n`;
  }
  await Bun.write(join(folder, "SHA256SUMS"), sums);
}

const wanted = process.argv[2];
if (wanted === undefined) await build(HOST, join(DIST, "voik"));
else if (wanted === "--release") await buildRelease();
else {
  const target = TARGETS.find((candidate) => candidate.name === wanted);
  if (!target) throw new Error(`${wanted} is not a target: ${TARGETS.map((t) => t.name).join(", ")} are`);
  await build(target, join(DIST, wanted.replace("bun-", "voik-")));
}
