/** The password prompt on a terminal: asked twice, never shown, given up with control-C. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openTestAccess } from "../helpers/access.ts";
import { temporaryFolder } from "../helpers/voik-process.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const CONTROL_C = "\u0003";
const BACKSPACE = "\u007f";

let folder: string;
beforeEach(async () => {
  folder = temporaryFolder("password");
  (await openTestAccess({ folder })).close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `voik user create ann` on a terminal that answers each question in turn; what it showed, and the exit code. */
async function createAnn(answers: Record<string, string>): Promise<{ shown: string; code: number }> {
  let shown = "";
  const waiting = new Map(Object.entries(answers));
  const child = Bun.spawn([process.execPath, MAIN, "user", "create", "ann", "--data-dir", folder], {
    env: { PATH: process.env.PATH ?? "" },
    terminal: {
      data(terminal, bytes) {
        shown += Buffer.from(bytes).toString();
        for (const [question, keys] of waiting) {
          if (!shown.includes(question)) break;
          waiting.delete(question);
          terminal.write(keys);
        }
      },
    },
    timeout: 15_000,
  });
  const code = await child.exited;
  child.terminal?.close();
  return { shown, code };
}

/** Whether ann is there with that password; undefined when she is not. */
async function passwordOfAnn(password: string): Promise<boolean | undefined> {
  const access = await openTestAccess({ folder });
  const there = access.users.find("ann") !== undefined;
  const matches = await access.users.passwordMatches("ann", password);
  access.close();
  return there ? matches : undefined;
}

test("a password is typed twice, corrected with backspace, and not shown", async () => {
  const { shown, code } = await createAnn({
    "New password for ann: ": `hidden pä${BACKSPACE}asswort\r`,
    "Again: ": "hidden passwort\r",
  });
  expect(code).toBe(0);
  expect(shown).toContain("created ann");
  expect(shown).not.toContain("hidden");
  expect(await passwordOfAnn("hidden passwort")).toBeTrue();
});

test("two passwords that differ change nothing", async () => {
  const { shown, code } = await createAnn({ "New password for ann: ": "one\r", "Again: ": "two\r" });
  expect(shown).toContain("the two passwords differ: nothing was changed");
  expect(code).toBe(1);
  expect(await passwordOfAnn("one")).toBeUndefined();
});

test("control-C changes nothing", async () => {
  const { shown, code } = await createAnn({ "New password for ann: ": `on${CONTROL_C}` });
  expect(shown).toContain("given up: nothing was changed");
  expect(code).toBe(1);
  expect(await passwordOfAnn("on")).toBeUndefined();
});
