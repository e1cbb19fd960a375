/** The real disk with fdatasync left out: what the code costs, without the device. Only for benchmarks. */
import { disk } from "../../src/base/disk.ts";
import type { FileSystem } from "../../src/base/file-system.ts";

export const diskWithoutSync: FileSystem = {
  ...disk,
  open(path, mode) {
    const file = disk.open(path, mode);
    file.sync = () => Promise.resolve();
    return file;
  },
};
