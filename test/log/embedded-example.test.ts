/** The example in docs/embedded-log.md, taken out of the page and run as a program that has voik as a dependency. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** The first block of `language` on the page. */
function block(page: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/embedded-log.md has no ${language} block`);
  return found;
}

test("the documented example prints what the page says, as a program of its own", async () => {
  const page = readFileSync(join(ROOT, "docs/embedded-log.md"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "voik-example-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/voik"));
    writeFileSync(join(folder, "example.ts"), block(page, "ts"));
    const child = Bun.spawn([process.execPath, "example.ts", join(folder, "orders")], {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
      env: { PATH: process.env.PATH ?? "" },
      timeout: 15_000,
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(stderr).toBe("");
    expect(stdout).toBe(block(page, "text"));
    expect(await child.exited).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
