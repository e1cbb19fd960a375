/** The platforms that voik is built for, and the native packages that go into each executable. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface BuildTarget {
  /** As Bun names it; also the end of the file's name, without "bun-". */
  readonly name: Bun.Build.CompileTarget;
  /** As napi-rs packages name it. */
  readonly napi: string;
}

export const TARGETS: readonly BuildTarget[] = [
  { name: "bun-linux-x64", napi: "linux-x64-gnu" },
  { name: "bun-linux-arm64", napi: "linux-arm64-gnu" },
  { name: "bun-linux-x64-musl", napi: "linux-x64-musl" },
  { name: "bun-linux-arm64-musl", napi: "linux-arm64-musl" },
  { name: "bun-darwin-x64", napi: "darwin-x64" },
  { name: "bun-darwin-arm64", napi: "darwin-arm64" },
];

/** A package with native code: the file that would look for it at run time, and the package that holds it. */
export interface NativePackage {
  readonly loader: RegExp;
  readonly packageFor: (target: BuildTarget) => string;
}

export const NATIVE_PACKAGES: readonly NativePackage[] = [
  { loader: /\/@node-rs\/crc32\/index\.js$/, packageFor: ({ napi }) => `@node-rs/crc32-${napi}` },
  { loader: /\/lz4-napi\/index\.js$/, packageFor: ({ napi }) => `@antoniomuso/lz4-napi-${napi}` },
  { loader: /\/snappy\/index\.js$/, packageFor: ({ napi }) => `@napi-rs/snappy-${napi}` },
];

/** Whether npm has installed every native package of `target` into `nodeModules`. */
export function isInstalled(target: BuildTarget, nodeModules: string): boolean {
  return NATIVE_PACKAGES.every(({ packageFor }) => existsSync(join(nodeModules, packageFor(target))));
}

/** The target that is this machine: npm has installed the native package of its platform and C library, and no other. */
export function hostTarget(nodeModules: string): BuildTarget {
  const name = `bun-${process.platform}-${process.arch}`;
  const target = TARGETS.find(
    (candidate) => candidate.name.startsWith(name) && isInstalled(candidate, nodeModules),
  );
  if (!target) throw new Error(`voik is not built for ${name}; ${TARGETS.map((t) => t.name).join(", ")} are`);
  return target;
}
