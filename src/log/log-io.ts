/**
 * How a data folder's logs reach their files: by positioned file I/O, or by memory mappings. Both write the same
 * bytes, so a folder written one way is opened the other way just as well. docs/memory-mapped-io.md has the figures.
 */
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { AppendBuffers } from "./append-buffers.ts";
import { BufferedIndexFile } from "./buffered-index-file.ts";
import type { IndexFile } from "./index-file.ts";
import { FileLogFile, type LogFile } from "./log-file.ts";
import { MappedIndexFile } from "./mapped-index-file.ts";
import { MappedLogFile } from "./mapped-log-file.ts";

export const LOG_IO_KINDS = ["file", "mmap"] as const;
export type LogIoKind = (typeof LOG_IO_KINDS)[number];

/** Opens log and index files of one kind. Its methods throw the system's error. */
export interface LogIo {
  /** A new, empty log file. */
  createLog(path: string): LogFile;
  /** An existing log file, to recover and append to. */
  openLog(path: string): LogFile;
  /** An existing log file that another segment follows, to read. */
  openSealedLog(path: string): LogFile;
  /** A new, empty index in place of any old one. */
  createIndex(path: string, entryBytes: number): IndexFile;
  /** The sealed index of the segment at `baseOffset`; undefined when it is missing or wrong. */
  openSealedIndex(path: string, entryBytes: number, baseOffset: number): IndexFile | undefined;
}

/** With `buffers` left, small appends by file I/O are written together. */
export function logIoOf(kind: LogIoKind, fileSystem: FileSystem, buffers?: AppendBuffers): LogIo {
  return kind === "mmap" ? mappedIo(fileSystem) : fileIo(fileSystem, buffers);
}

/** Throws VoikError config_invalid when `kind` is not safe for logs in `folder`, which exists. */
export function checkLogIo(kind: LogIoKind, fileSystem: FileSystem, folder: string): void {
  const risk = kind === "mmap" ? fileSystem.mappingRisk(folder) : undefined;
  if (risk === undefined) return;
  throw new VoikError(
    "config_invalid",
    `${folder} can't be used with --log-io=mmap, because ${risk}: start with --log-io=file`,
  );
}

function fileIo(fileSystem: FileSystem, buffers?: AppendBuffers): LogIo {
  const open = (path: string) => new FileLogFile(fileSystem.open(path, "write"), buffers);
  return {
    createLog: (path) => new FileLogFile(fileSystem.open(path, "create"), buffers),
    openLog: open,
    openSealedLog: open,
    createIndex: (path, entryBytes) => BufferedIndexFile.create(fileSystem, path, entryBytes),
    openSealedIndex: (path, entryBytes, baseOffset) =>
      BufferedIndexFile.openSealed(fileSystem, path, entryBytes, baseOffset),
  };
}

function mappedIo(fileSystem: FileSystem): LogIo {
  return {
    createLog: (path) => new MappedLogFile(fileSystem.open(path, "create"), false),
    openLog: (path) => new MappedLogFile(fileSystem.open(path, "write"), false),
    openSealedLog: (path) => new MappedLogFile(fileSystem.open(path, "write"), true),
    createIndex: (path, entryBytes) => MappedIndexFile.create(fileSystem, path, entryBytes),
    openSealedIndex: (path, entryBytes, baseOffset) =>
      MappedIndexFile.openSealed(fileSystem, path, entryBytes, baseOffset),
  };
}
