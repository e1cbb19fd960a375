/** How many logs are opened side by side: as many as may have a file open at a time, and never more. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { StreamRow } from "../../src/streams/catalog.ts";
import { StreamFolders } from "../../src/streams/stream-folders.ts";
import { temporaryFolder } from "../helpers/log.ts";
import { MemoryLog } from "../helpers/memory-log.ts";

const SHARDS = 40;

let root: string;
let remove: () => void;

beforeEach(() => {
  ({ folder: root, remove } = temporaryFolder());
});

afterEach(() => remove());

test("opens so many logs side by side as it may", async () => {
  let opening = 0;
  let most = 0;
  const opened: string[] = [];
  const folders = new StreamFolders(root, {
    fileSystem: disk,
    logger: silentLogger,
    openingMax: 8,
    async openLog(folder) {
      most = Math.max(most, ++opening);
      await new Promise(setImmediate);
      opening--;
      opened.push(folder);
      return new MemoryLog();
    },
  });
  const shards = Array.from({ length: SHARDS }, (_, index) => ({ index }));
  const logs = await folders.create({ id: "stream", name: "stream", shards } as unknown as StreamRow);
  expect(logs).toHaveLength(SHARDS);
  expect(opened).toHaveLength(SHARDS);
  expect(most).toBe(8);
});
