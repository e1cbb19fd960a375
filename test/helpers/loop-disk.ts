/**
 * A disk of its own for one test: a file with a file system in it, mounted through a loop device (Linux, root).
 *
 *   await using disk = await LoopDisk.make("ext4", 400);
 *   disk.cutPower("drop journal"); …kill whoever runs on it…; await disk.remount();
 *
 * `cutPower` is the file system's own shutdown ioctl (FS_IOC_SHUTDOWN, linux/fs.h): from that moment nothing reaches
 * the disk, and what the next mount finds is what a power cut leaves.
 */
import { closeSync, constants, mkdirSync, openSync, rmSync, truncateSync } from "node:fs";
import { basename, join } from "node:path";
import { dlopen, ptr, suffix } from "bun:ffi";
import { run } from "./installed.ts";
import { temporaryFolder } from "./voik-process.ts";

export type DiskKind = "ext4" | "xfs";
/** What the journal does at the cut: flushed first (XFS_FSOP_GOING_FLAGS_LOGFLUSH) or not (…NOLOGFLUSH). */
export type PowerCut = "flush journal" | "drop journal";

const SHUTDOWN = 0x8004587d;
const FLAGS: Record<PowerCut, number> = { "flush journal": 1, "drop journal": 2 };
const MIB = 1024 * 1024;
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
const UNMOUNT_ATTEMPTS_MAX = 50;

/** Runs a program of the system administrator's to its end. Throws with its standard error on a failure. */
export const sudo = (...command: string[]): Promise<Buffer> => run(command, { env: ENV });

const MAKE: Record<DiskKind, string[]> = {
  ext4: ["mkfs.ext4", "-q"],
  xfs: ["mkfs.xfs", "-q"],
};

export interface DiskOptions {
  /** Where the image lies; a temporary folder when it is not given. */
  parent?: string;
  /** The image itself, when there is one. */
  image?: string;
  /** Further arguments of mkfs. */
  make?: readonly string[];
  /** Further mount options. */
  mount?: readonly string[];
}

export class LoopDisk implements AsyncDisposable {
  readonly image: string;
  /** The mounted file system. */
  readonly folder: string;
  mounted = false;

  private constructor(
    private readonly home: string,
    private readonly kind: DiskKind,
    private readonly options: DiskOptions,
  ) {
    this.image = options.image ?? join(options.parent ?? home, "disk.img");
    this.folder = join(home, "mnt");
  }

  /** Makes and mounts a disk of `sizeMiB`; XFS wants at least 300. */
  static async make(kind: DiskKind, sizeMiB: number, options: DiskOptions = {}): Promise<LoopDisk> {
    const disk = new LoopDisk(temporaryFolder(kind), kind, options);
    mkdirSync(disk.folder);
    closeSync(openSync(disk.image, "w"));
    truncateSync(disk.image, sizeMiB * MIB);
    await sudo(...MAKE[kind], ...(options.make ?? []), disk.image);
    await disk.mount();
    return disk;
  }

  /** Mounts a copy of another disk's image, as if its machine had lost power when the copy was made. */
  static async open(kind: DiskKind, image: string): Promise<LoopDisk> {
    const mount = kind === "xfs" ? ["nouuid"] : [];
    const disk = new LoopDisk(temporaryFolder(kind), kind, { image, mount });
    mkdirSync(disk.folder);
    await disk.mount();
    return disk;
  }

  /** From now on nothing that is written reaches the disk. */
  cutPower(cut: PowerCut): void {
    cutPowerOf(this.folder, cut);
  }

  /** Unmounts and mounts again: the power is back. Nobody may use the disk. */
  async remount(): Promise<void> {
    await this.unmount();
    await this.mount();
  }

  async unmount(): Promise<void> {
    if (!this.mounted) return;
    for (let attempt = 1; ; attempt++) {
      try {
        await sudo("umount", this.folder);
        break;
      } catch (error) {
        if (attempt === UNMOUNT_ATTEMPTS_MAX) throw error;
        await Bun.sleep(20); // a killed process gives its files back a little later
      }
    }
    this.mounted = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
    rmSync(this.home, { recursive: true, force: true });
  }

  private async mount(): Promise<void> {
    const mountOptions = ["loop", ...(this.options.mount ?? [])].join(",");
    await sudo("mount", "-t", this.kind, "-o", mountOptions, this.image, this.folder);
    this.mounted = true;
  }
}

/** Cuts the power of the file system that is mounted at `folder`; another process may do that, too. */
export function cutPowerOf(folder: string, cut: PowerCut): void {
  const fd = openSync(folder, constants.O_RDONLY);
  const flags = new Uint32Array([FLAGS[cut]]);
  const failed = libc().symbols.ioctl(fd, SHUTDOWN, ptr(flags)) !== 0;
  closeSync(fd);
  if (failed) throw new Error(`${folder} can't be shut down`);
}

/** Makes an ext4 file system read-only as an error in its structures does: it has to be mounted errors=remount-ro. */
export async function turnReadOnly(disk: LoopDisk): Promise<void> {
  const device = (await sudo("findmnt", "-n", "-o", "SOURCE", disk.folder)).toString().trim();
  await Bun.write(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, "test\n");
}

/**
 * A disk whose device promises more than it has, as a thinly provisioned volume does: past about 15 MiB each write
 * of the device fails with EIO, while the file system believes that there is room.
 */
export class ThinDisk implements AsyncDisposable {
  private constructor(
    readonly disk: LoopDisk,
    private readonly backing: string,
  ) {}

  static async make(): Promise<ThinDisk> {
    const backing = temporaryFolder("thin");
    await sudo("mount", "-t", "tmpfs", "-o", "size=16m", "thin", backing);
    const extended = "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
    const disk = await LoopDisk.make("ext4", 256, {
      parent: backing,
      make: ["-E", extended, "-J", "size=4"],
      mount: ["errors=continue"],
    });
    return new ThinDisk(disk, backing);
  }

  /** The device gets what it promised. */
  async grow(): Promise<void> {
    await sudo("mount", "-o", "remount,size=300m", this.backing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disk[Symbol.asyncDispose]();
    await sudo("umount", this.backing);
    rmSync(this.backing, { recursive: true, force: true });
  }
}

let opened: ReturnType<typeof openLibc> | undefined;

function openLibc() {
  return dlopen(`libc.${suffix}.6`, { ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" } });
}

/** Opened on first use: the name is glibc's. */
function libc() {
  return (opened ??= openLibc());
}

/** Drops every clean page of the machine's page cache, so that what is read next comes from the disks. */
export async function dropPageCache(): Promise<void> {
  await Bun.write("/proc/sys/vm/drop_caches", "3\n");
}
