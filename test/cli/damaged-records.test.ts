/** `voik consume` and a bit that flipped on the disk: what lies in front of it comes out, never a wrong record. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { batchesIn, flipBit } from "../helpers/shard-copies.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

test.each([
  ["records", (path: string) => readFileSync(path).indexOf("rotten"), 0],
  ["a base offset, to a later one", (path: string) => (batchesIn(path)[1]?.position ?? 0) + 7, 3],
  ["a base offset, to an earlier one", (path: string) => (batchesIn(path)[1]?.position ?? 0) + 7, 0],
])(
  "consume ends at damaged %s and says how to go on",
  async (_what, placeIn, bit) => {
    await using voik = await VoikProcess.start();
    const broker = ["--broker", voik.addresses.kafka];
    await runCli(["stream", "create", "s", ...broker]);
    for (const stdin of ["before\n", "rotten\n", "behind\n"])
      await runCli(["produce", "s", ...broker], { stdin });
    const streams = join(voik.folder, "streams");
    const shard = join(streams, readdirSync(streams)[0] as string, "0");
    const path = join(shard, readdirSync(shard).find((name) => name.endsWith(".log")) as string);
    flipBit(path, placeIn(path), bit);

    const consumed = await runCli(["consume", "s", ...broker]);
    expect([consumed.code, consumed.stdout]).toEqual([74, "before\n"]);
    expect(consumed.stderr).toContain("records of shard 0 are damaged from offset 1 on");
    const rest = await runCli(["consume", "s", "--shard", "0", "--from", "2", ...broker]);
    expect([rest.code, rest.stdout]).toEqual([0, "behind\n"]);
    await voik.stop();
  },
  30_000,
);
