/**
 * The one bun:ffi file: the few libc calls that Bun has no API for. Linux (glibc and musl) has all of them; where
 * one is missing (macOS) its function is undefined or falls back, and the caller takes the portable way.
 *
 * bun:ffi calls block the calling thread, so only calls that touch the page cache, the file table or memory are here, and
 * syncfs, which has a thread of its own (volume-thread.ts).
 */
import { dlopen, FFIType, type Pointer, ptr, read, toArrayBuffer } from "bun:ffi";
import { existsSync } from "node:fs";
import { assert } from "./assert.ts";

const { i32, i64, u64, ptr: pointer } = FFIType;

export const Errno = { EAGAIN: 11, EIO: 5, EINVAL: 22, ENOSPC: 28, EPIPE: 32, EOPNOTSUPP: 95 } as const;

const ERRNO_NAMES: Record<number, string> = {
  1: "EPERM",
  4: "EINTR",
  5: "EIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  22: "EINVAL",
  27: "EFBIG",
  28: "ENOSPC",
  30: "EROFS",
  32: "EPIPE",
  95: "EOPNOTSUPP",
  104: "ECONNRESET",
  122: "EDQUOT",
};

const LINUX_SYMBOLS = {
  sendfile: { args: [i32, i32, pointer, i64], returns: i64 },
  fallocate: { args: [i32, i32, i64, i64], returns: i32 },
  posix_fadvise: { args: [i32, i64, i64, i32], returns: i32 },
  flock: { args: [i32, i32], returns: i32 },
  syncfs: { args: [i32], returns: i32 },
  mmap: { args: [pointer, u64, i32, i32, i32, i64], returns: i64 },
  munmap: { args: [i64, u64], returns: i32 },
  getsockname: { args: [i32, pointer, pointer], returns: i32 },
  getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  setenv: { args: [pointer, pointer, i32], returns: i32 },
  __errno_location: { args: [], returns: pointer },
} as const;

const DARWIN_SYMBOLS = {
  flock: { args: [i32, i32], returns: i32 },
  setenv: { args: [pointer, pointer, i32], returns: i32 },
  __error: { args: [], returns: pointer },
} as const;

/** The C library that this process already runs on, under the name its loader knows. */
function linuxLibc(): string {
  const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  return existsSync(`/lib/${musl}`) ? musl : "libc.so.6";
}

const linux = process.platform === "linux" ? dlopen(linuxLibc(), LINUX_SYMBOLS).symbols : undefined;
const darwin =
  process.platform === "darwin" ? dlopen("/usr/lib/libSystem.B.dylib", DARWIN_SYMBOLS).symbols : undefined;

/** errno of the last call on this thread. */
function errno(): number {
  const at = (linux ? linux.__errno_location() : darwin?.__error()) as Pointer | null;
  return at === null ? 0 : read.i32(at, 0);
}

/** An error as node:fs makes them: `code` and a message that names call and path. */
function systemError(call: string, path: string, number: number): Error {
  const code = ERRNO_NAMES[number] ?? `errno ${number}`;
  return Object.assign(new Error(`${code}: ${call} '${path}'`), {
    code,
    errno: -number,
    syscall: call,
    path,
  });
}

const sendfileOffset = new BigInt64Array(1);

/**
 * sendfile(2): moves up to `bytes` of the file `fd`, from `position` on, into a socket without passing through this
 * process. Returns the bytes sent, or a negated errno (-EAGAIN when the socket is full). Undefined off Linux.
 */
export const sendfile =
  linux === undefined
    ? undefined
    : (socketFd: number, fd: number, position: number, bytes: number): number => {
        sendfileOffset[0] = BigInt(position);
        const sent = Number(linux.sendfile(socketFd, fd, ptr(sendfileOffset), bytes));
        return sent < 0 ? -errno() : sent;
      };

/** fallocate(2), mode 0: reserves blocks for bytes `from` to `to` of a file and grows it. Throws the system's error. */
export const fallocate =
  linux === undefined
    ? undefined
    : (fd: number, from: number, to: number, path: string): void => {
        if (linux.fallocate(fd, 0, from, to - from) !== 0) throw systemError("fallocate", path, errno());
      };

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/**
 * mmap(2): the first `bytes` bytes of a file, shared and writable, and the call that takes them away again. Unmapping
 * first detaches the buffer's memory, so that a view that somebody kept is empty instead of pointing into nothing.
 * Throws the system's error.
 */
export const mmap =
  linux === undefined
    ? undefined
    : (fd: number, bytes: number, path: string): { bytes: Buffer; unmap: () => void } => {
        const at = Number(linux.mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0));
        if (at === -1) throw systemError("mmap", path, errno());
        const memory = toArrayBuffer(at as Pointer, 0, bytes);
        return {
          bytes: Buffer.from(memory),
          unmap() {
            assert(!memory.detached, "a mapping is taken away once");
            memory.transfer(0); // to nobody, and without copying
            linux.munmap(at, bytes);
          },
        };
      };

const POSIX_FADV_DONTNEED = 4;

/** Asks the kernel to drop the clean cached pages of a file; a hint, so failures are ignored. */
export function dropCachedPages(fd: number): void {
  linux?.posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/**
 * setenv(3): what code below JavaScript finds in the environment from now on; `process.env` does not show it. A variable
 * that is set stays as it is.
 */
export function setEnvironment(name: string, value: string): void {
  const setenv = (linux ?? darwin)?.setenv;
  setenv?.(ptr(Buffer.from(`${name}\0`)), ptr(Buffer.from(`${value}\0`)), 0);
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** flock(2), exclusive, without waiting; false when another process holds it. Freed when the descriptor closes. */
export function tryLock(fd: number): boolean {
  const flock = (linux ?? darwin)?.flock;
  return flock === undefined || flock(fd, LOCK_EX | LOCK_NB) === 0;
}

/**
 * syncfs(2): writes everything that the file system of `fd` holds in memory to its device, and waits for it; whoever
 * wrote it. Throws the system's error, also for a write-back that failed since `fd` was opened (Linux 5.8 and newer).
 * Undefined off Linux.
 */
export const syncFileSystem =
  linux === undefined
    ? undefined
    : (fd: number, path: string): void => {
        if (linux.syncfs(fd) !== 0) throw systemError("syncfs", path, errno());
      };

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const ESTABLISHED = 1;
/** Of tcpi_bytes_received in struct tcp_info (linux/tcp.h), of which tcpi_state is the first byte. */
const BYTES_RECEIVED_AT = 128;
const INFO_BYTES = BYTES_RECEIVED_AT + 8;
const SHUT_RDWR = 2;

/**
 * Ends the connection on descriptor `fd` if it came to our port `port` and its client has not sent a byte yet. Whoever
 * owns it sees it end as if the client had closed it. Returns whether it did; never off Linux.
 */
export function endUnusedConnection(fd: number, port: number): boolean {
  if (linux === undefined) return false;
  const address = Buffer.alloc(128);
  const info = Buffer.alloc(INFO_BYTES);
  const length = new Uint32Array([address.length]);
  // The port has the same place in addresses of both families.
  if (linux.getsockname(fd, ptr(address), ptr(length)) !== 0 || address.readUInt16BE(2) !== port)
    return false;
  length[0] = INFO_BYTES;
  if (linux.getsockopt(fd, IPPROTO_TCP, TCP_INFO, ptr(info), ptr(length)) !== 0) return false;
  const unused =
    info[0] === ESTABLISHED && length[0] === INFO_BYTES && info.readBigUInt64LE(BYTES_RECEIVED_AT) === 0n;
  return unused && linux.shutdown(fd, SHUT_RDWR) === 0;
}
