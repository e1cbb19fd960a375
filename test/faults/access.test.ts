/**
 * Users and ACLs on a disk that fails or loses power: what `voik user` said was done is there afterwards, and a change
 * that could not be synced is never said to be done.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { runCli } from "../cli/run-cli.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { LoopDisk } from "../helpers/loop-disk.ts";
import { Fault, SYNC_CALLS } from "../helpers/strace.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const DISK_MIB = 200;
const STORAGE_FAILED = 74;
const END_MS_MAX = 2_000;

describeAsRoot("users on a failing disk", ["mkfs.ext4", "strace"], () => {
  test("a user that was created is there after a power cut, one whose sync failed was refused, and voik ended with 74", async () => {
    await using disk = await LoopDisk.make("ext4", DISK_MIB);
    await using voik = await VoikProcess.start({ folder: join(disk.folder, "data") });
    const cli = (...args: string[]) => runCli([...args, "--data-dir", voik.folder]);
    const made = await cli("user", "create", "ann", "--access-key");
    expect(made.code).toBe(0);
    const entry = ["--principal", "ann", "--operation", "read", "--topic", "orders"];
    expect((await cli("acl", "add", ...entry)).code).toBe(0);
    {
      const wal = join(voik.folder, "access.db-wal");
      await using _fault = await Fault.attach(voik.pid, SYNC_CALLS, "error=EIO", wal);
      const refused = await cli("user", "create", "bob", "--access-key");
      expect(refused.code).not.toBe(0);
      expect(refused.stdout).toBe("");
      expect(await voik.ended(END_MS_MAX)).toBe(STORAGE_FAILED);
    }
    disk.cutPower("drop journal");
    await disk.remount();
    await voik.restart();
    const [, id] = /id = (\S+)/.exec(made.stdout) ?? [];
    expect((await cli("user", "list")).stdout).toBe(`ann\t${id}\n`);
    expect((await cli("acl", "list")).stdout).toBe("allow\tUser:ann\tread\ttopic\torders\tfrom *\n");
    await voik.stop();
  }, 60_000);
});
