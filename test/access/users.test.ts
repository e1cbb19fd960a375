/** Users: what is kept of them, over a restart too, and what is not: their passwords. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientProof, proofMatches, SCRAM_MECHANISMS, saltedPassword } from "../../src/access/scram.ts";
import { acl, openTestAccess, type TestAccess } from "../helpers/access.ts";

let folder: string;
let access: TestAccess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "voik-users-"));
  access = await openTestAccess({ folder });
});
afterEach(() => {
  access.close();
  rmSync(folder, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  access.close();
  access = await openTestAccess({ folder });
}

const failure = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("users", () => {
  test("are there after a restart, with passwords, access keys and ACL entries", async () => {
    await access.users.create("ann", "s3cret words");
    await access.users.create("bob", undefined);
    const key = access.users.createAccessKey("bob");
    access.acls.add([acl("allow User:ann read topic orders")]);
    const before = access.users.list();
    await restart();
    expect(access.users.list()).toEqual(before);
    expect(before.map(({ name }) => name)).toEqual(["ann", "bob"]);
    expect(access.users.accessKey(key.id)).toEqual(key);
    expect(key.id).toMatch(/^[A-Z2-7]{20}$/);
    expect(key.secret).toHaveLength(40);
    expect(await access.users.passwordMatches("ann", "s3cret words")).toBeTrue();
    expect(access.acls.list({})).toEqual([acl("allow User:ann read topic orders")]);
  });

  test("prove themselves by SCRAM with the password that was set last", async () => {
    await access.users.create("ann", "first");
    await access.users.setPassword("ann", "second");
    for (const mechanism of SCRAM_MECHANISMS) {
      const credential = access.users.scramCredential("ann", mechanism);
      if (credential === undefined) throw new Error("no credential");
      const proofOf = async (password: string) => {
        const { salt, iterations } = credential;
        return clientProof(mechanism, await saltedPassword(mechanism, password, salt, iterations), "message");
      };
      expect(proofMatches(mechanism, credential, "message", await proofOf("second"))).toBeTrue();
      expect(proofMatches(mechanism, credential, "message", await proofOf("first"))).toBeFalse();
    }
  });

  test("who are unknown, or have no password, have no password that matches", async () => {
    await access.users.create("keys", undefined);
    expect(await access.users.passwordMatches("nobody", "")).toBeFalse();
    expect(await access.users.passwordMatches("nobody", "x")).toBeFalse();
    expect(await access.users.passwordMatches("keys", "")).toBeFalse();
    expect(access.users.decoyCredential("nobody", "SCRAM-SHA-256").iterations).toBe(8192);
    const decoy = access.users.decoyCredential("nobody", "SCRAM-SHA-256");
    await restart();
    expect(access.users.decoyCredential("nobody", "SCRAM-SHA-256")).toEqual(decoy);
  });

  test("who are unknown cost a guesser as much time as a wrong password", async () => {
    await access.users.create("ann", "right");
    await access.users.create("keys", undefined);
    const fastestMs: Record<string, number> = { ann: Infinity, nobody: Infinity, keys: Infinity };
    for (let round = 0; round < 15; round++) {
      for (const name of Object.keys(fastestMs)) {
        const startedMs = performance.now();
        expect(await access.users.passwordMatches(name, "wrong")).toBeFalse();
        fastestMs[name] = Math.min(fastestMs[name] as number, performance.now() - startedMs);
      }
    }
    const times = Object.values(fastestMs);
    expect(Math.min(...times)).toBeGreaterThan(Math.max(...times) / 2);
  });

  test("leave nothing behind when they are deleted", async () => {
    await access.users.create("ann", "pw");
    const key = access.users.createAccessKey("ann");
    access.users.delete("ann");
    expect(access.users.accessKey(key.id)).toBeUndefined();
    await access.users.create("ann", undefined);
    await restart();
    expect(access.users.find("ann")).toMatchObject({ mechanisms: [], accessKeyIds: [] });
    expect(access.users.accessKey(key.id)).toBeUndefined();
  });

  test("are made by setting a SCRAM credential, and lose it one mechanism at a time", async () => {
    await access.users.create("ann", "pw");
    const credential = access.users.scramCredential("ann", "SCRAM-SHA-256");
    if (credential === undefined) throw new Error("no credential");
    access.users.setScramCredential("bob", "SCRAM-SHA-256", credential);
    expect(access.users.deleteScramCredential("ann", "SCRAM-SHA-512")).toBeTrue();
    expect(access.users.deleteScramCredential("ann", "SCRAM-SHA-512")).toBeFalse();
    await restart();
    expect(access.users.find("bob")?.mechanisms).toEqual(["SCRAM-SHA-256"]);
    expect(access.users.find("ann")?.mechanisms).toEqual(["SCRAM-SHA-256"]);
    expect(
      await failure(() =>
        access.users.setScramCredential("bob", "SCRAM-SHA-256", { ...credential, iterations: 1 }),
      ),
    ).toBe("argument_invalid");
  });

  test("have no password in any file, and every file is the owner's alone", async () => {
    await access.users.create("ann", "correct horse battery staple");
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path).includes("correct horse")).toBeFalse();
    }
  });

  test.each([
    ["an empty name", () => access.users.create("", "pw"), "argument_invalid"],
    ["the wildcard", () => access.users.create("*", "pw"), "argument_invalid"],
    ["the anonymous one", () => access.users.create("ANONYMOUS", "pw"), "argument_invalid"],
    ["a control character", () => access.users.create("a\nb", "pw"), "argument_invalid"],
    ["an empty password", () => access.users.create("ann", ""), "argument_invalid"],
    ["a long password", () => access.users.create("ann", "x".repeat(1025)), "argument_invalid"],
    ["an unknown user's password", () => access.users.setPassword("ann", "pw"), "user_not_found"],
    ["an unknown user's key", () => access.users.createAccessKey("ann"), "user_not_found"],
    ["an unknown user's end", () => access.users.delete("ann"), "user_not_found"],
  ])("refuses %s", async (_what, work, code) => {
    expect(await failure(work)).toBe(code);
    expect(access.users.list()).toEqual([]);
  });

  test("are made once, even when two ask at the same time", async () => {
    const both = await Promise.allSettled([
      access.users.create("ann", "one"),
      access.users.create("ann", "two"),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await failure(() => access.users.create("ann", "three"))).toBe("user_exists");
  });

  test("have at most ten access keys", async () => {
    await access.users.create("ann", undefined);
    const keys = Array.from({ length: 10 }, () => access.users.createAccessKey("ann"));
    expect(await failure(() => access.users.createAccessKey("ann"))).toBe("limit_exceeded");
    expect(access.users.deleteAccessKey(keys[0]?.id ?? "")).toBeTrue();
    expect(access.users.createAccessKey("ann").id).not.toBe(keys[0]?.id);
  });

  test("are not opened from a file that is something else", async () => {
    access.close();
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    writeFileSync(join(folder, "access.db"), "not a database, and long enough to be looked at".repeat(100));
    expect(await failure(() => openTestAccess({ folder }))).toBe("storage_damaged");
    rmSync(join(folder, "access.db"));
    access = await openTestAccess({ folder });
  });
});
