/** The platforms that voik is built for, and the native CRC-32C package that goes into each executable. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface BuildTarget {
  /** As Bun names it; also the end of the file's name, without "bun-". */
  readonly name: Bun.Build.CompileTarget;
  readonly crcPackage: string;
}

export const TARGETS: readonly BuildTarget[] = [
  { name: "bun-linux-x64", crcPackage: "@node-rs/crc32-linux-x64-gnu" },
  { name: "bun-linux-arm64", crcPackage: "@node-rs/crc32-linux-arm64-gnu" },
  { name: "bun-linux-x64-musl", crcPackage: "@node-rs/crc32-linux-x64-musl" },
  { name: "bun-linux-arm64-musl", crcPackage: "@node-rs/crc32-linux-arm64-musl" },
  { name: "bun-darwin-x64", crcPackage: "@node-rs/crc32-darwin-x64" },
  { name: "bun-darwin-arm64", crcPackage: "@node-rs/crc32-darwin-arm64" },
];

/** The target that is this machine: npm has installed the native package of its platform and C library, and no other. */
export function hostTarget(nodeModules: string): BuildTarget {
  const name = `bun-${process.platform}-${process.arch}`;
  const target = TARGETS.find(
    (candidate) => candidate.name.startsWith(name) && existsSync(join(nodeModules, candidate.crcPackage)),
  );
  if (!target) throw new Error(`voik is not built for ${name}; ${TARGETS.map((t) => t.name).join(", ")} are`);
  return target;
}
