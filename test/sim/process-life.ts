/** One life of the simulated process: what its logs share until it dies. */
import type { FileSystem } from "../../src/base/file-system.ts";
import type { AppendBuffers } from "../../src/log/append-buffers.ts";
import type { GroupCommit } from "../../src/log/group-commit.ts";
import type { Journal } from "../../src/log/journal.ts";

export interface ProcessLife {
  fileSystem: FileSystem;
  groupCommit: GroupCommit;
  journal: Journal | undefined;
  appendBuffers: AppendBuffers;
  syncFailed: boolean;
  over: boolean;
}
