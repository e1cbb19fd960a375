/**
 * Run as a process of its own by log-io.test.ts, since what it could do wrong is die by SIGBUS: fills a small file
 * system through a mapped log, makes room, goes on. Prints what happened as JSON. `bun fill-disk.ts <folder>`
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VoikError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { appendDurably, batchOf, openLog, readAll } from "../helpers/log.ts";

const REFUSALS = 50;

const root = process.argv[2] as string;
const ballast = join(root, "ballast");
writeFileSync(ballast, Buffer.alloc(2 << 20, 1));
const random = seededRandom(1);
const batch = () => batchOf(["x".repeat(100 + (random.uint32() % 60_000))]);
const log = await openLog(join(root, "streams", "stream", "0"), {
  logIo: "mmap",
  segmentBytesMax: 8 << 20,
});

const codes = new Set<string>();
let acked = 0;
for (let refused = 0; refused < REFUSALS;) {
  try {
    await appendDurably(log, batch());
    acked++;
  } catch (error) {
    codes.add((error as VoikError).code);
    refused++;
  }
}
rmSync(ballast);
await appendDurably(log, batch());
acked++;
const read = readAll(log).length;
await log.close();
const again = await openLog(join(root, "streams", "stream", "0"), { logIo: "file" });
const reopened = readAll(again).length;
await again.close();
console.log(JSON.stringify({ codes: [...codes], acked, read, reopened }));
