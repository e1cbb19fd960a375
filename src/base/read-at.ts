/** pread(2) on a bare descriptor, for the one caller that has a range of a file and no file object: the socket sender. */
import { readSync } from "node:fs";

/** Reads up to `into.length` bytes at `position` of the open file `fd`; returns the bytes read. Throws the system's error. */
export function readAt(fd: number, into: Buffer, position: number): number {
  return readSync(fd, into, 0, into.length, position);
}
