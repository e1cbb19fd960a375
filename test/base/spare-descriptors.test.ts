import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Takes every descriptor there is, then goes on with the disk's own files. */
const PROGRAM = `
  import { closeSync, openSync } from "node:fs";
  import { join } from "node:path";
  import { disk } from ${JSON.stringify(join(import.meta.dir, "../../src/base/disk.ts"))};
  const folder = process.argv[1];
  disk.open(join(folder, "first"), "create").close();
  const taken = [];
  const takeAll = () => {
    try {
      for (;;) taken.push(openSync("/dev/null", "r"));
    } catch (error) {
      return error.code;
    }
  };
  const told = [takeAll()];
  const files = [];
  for (let i = 0; i < 5; i++) files.push(disk.open(join(folder, "segment-" + i), "create"));
  await disk.syncFolder(folder);
  told.push(disk.list(folder).length);
  for (const file of files) file.close();
  told.push(takeAll());
  for (let i = 0; i < 5; i++) disk.open(join(folder, "again-" + i), "create");
  await disk.syncFolder(folder);
  try {
    for (;;) disk.open(join(folder, "more-" + files.push(0)), "create");
  } catch (error) {
    told.push(error.code);
  }
  for (const fd of taken) closeSync(fd);
  console.log(JSON.stringify(told));
`;

test("files are opened and folders synced when all descriptors are taken, and again after these files are closed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "voik-spares-"));
  try {
    const command = ["sh", "-c", 'ulimit -n 100 && exec "$@"', "sh", process.execPath, "-e", PROGRAM, folder];
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
    const [out, errors] = [await child.stdout.text(), await child.stderr.text()];
    expect([errors, out]).toEqual(["", '["EMFILE",6,"EMFILE","EMFILE"]\n']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
