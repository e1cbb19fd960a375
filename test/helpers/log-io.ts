/** Runs a log's tests once for each way of reaching files: import `test` from here instead of from bun:test. */
import { test as bunTest } from "bun:test";
import { LOG_IO_KINDS, type LogIoKind } from "../../src/log/log-io.ts";

let current: LogIoKind = "file";

/** The way that the running test is about; helpers/log.ts opens logs with it. */
export function testedLogIo(): LogIoKind {
  return current;
}

/** bun's `test`, twice, with the way in the name. */
export function test(name: string, run: () => void | Promise<void>, timeoutMs?: number): void {
  for (const kind of LOG_IO_KINDS) {
    const runWith = async () => {
      current = kind;
      try {
        await run();
      } finally {
        current = "file";
      }
    };
    bunTest(`${name} (${kind})`, runWith, timeoutMs);
  }
}
