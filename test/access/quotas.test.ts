/** Quotas: which of them counts for a client, what is kept of them, and what can't be one. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ACCESS_FORMAT } from "../../src/access/access-database.ts";
import type { QuotaEntity, QuotaKey } from "../../src/access/quota.ts";
import { DatabaseFile } from "../../src/base/database.ts";
import { disk } from "../../src/base/disk.ts";
import { openTestAccess, type TestAccess } from "../helpers/access.ts";

let folder: string;
let access: TestAccess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "voik-quotas-"));
  access = await openTestAccess({ folder });
});
afterEach(() => {
  access.close();
  rmSync(folder, { recursive: true, force: true });
});

const set = (entity: QuotaEntity, bytesPerSecond: number | undefined, key: QuotaKey = "producer_byte_rate") =>
  access.quotas.alter([{ entity, key, bytesPerSecond }]);
const rate = (user: string, clientId: string, key: QuotaKey = "producer_byte_rate") =>
  access.quotas.rateOf(user, clientId, key)?.bytesPerSecond;

test("of the quotas that are for a client, Kafka's first counts, each key by itself", () => {
  const ranked: QuotaEntity[] = [
    { user: "ann", clientId: "etl" },
    { user: "ann", clientId: null },
    { user: "ann" },
    { user: null, clientId: "etl" },
    { user: null, clientId: null },
    { user: null },
    { clientId: "etl" },
    { clientId: null },
  ];
  expect(rate("ann", "etl")).toBeUndefined();
  for (let rank = ranked.length; rank > 0; rank--) {
    set(ranked[rank - 1] as QuotaEntity, rank);
    expect(rate("ann", "etl")).toBe(rank);
  }
  expect(rate("ann", "other")).toBe(2);
  expect(rate("bob", "etl")).toBe(4);
  expect(rate("bob", "other")).toBe(5);
  expect(rate("ann", "etl", "consumer_byte_rate")).toBeUndefined();
  set({ clientId: null }, 100, "consumer_byte_rate");
  expect(rate("ann", "etl", "consumer_byte_rate")).toBe(100);
  for (const [i, entity] of ranked.entries()) {
    set(entity, undefined);
    expect(rate("ann", "etl")).toBe(i + 2 > ranked.length ? undefined : i + 2);
  }
});

test("a quota says who shares it", () => {
  const shared = () => {
    const { ofUser, ofClientId } = access.quotas.rateOf("ann", "etl", "producer_byte_rate") ?? {};
    return [ofUser, ofClientId];
  };
  set({ clientId: null }, 1);
  expect(shared()).toEqual([false, true]);
  set({ user: null }, 1);
  expect(shared()).toEqual([true, false]);
  set({ user: null, clientId: null }, 1);
  expect(shared()).toEqual([true, true]);
});

test("quotas are there after a restart, and what was taken away is not", async () => {
  set({ user: "=*", clientId: "grüße \u{1f600}" }, 2 ** 53 - 1);
  set({ user: null }, 5);
  set({ user: null }, 6, "consumer_byte_rate");
  set({ clientId: "gone" }, 7);
  set({ clientId: "gone" }, undefined);
  const before = access.quotas.list();
  expect(before).toHaveLength(3);
  access.close();
  access = await openTestAccess({ folder });
  expect(access.quotas.list()).toEqual(before);
  expect(rate("=*", "grüße \u{1f600}")).toBe(2 ** 53 - 1);
});

test("a database of before there were quotas is taken over with its users", async () => {
  access.close();
  const path = join(folder, "access.db");
  rmSync(path);
  for (const suffix of ["-wal", "-shm", "-seal"]) rmSync(path + suffix, { force: true });
  const before = DatabaseFile.open(path, disk, { ...ACCESS_FORMAT, steps: ACCESS_FORMAT.steps.slice(0, 1) });
  before.database.run("INSERT INTO users VALUES ('ann', 1)");
  before.close();
  access = await openTestAccess({ folder });
  expect(access.users.find("ann")?.createdAtMs).toBe(1);
  set({ user: "ann" }, 1000);
  expect(rate("ann", "any")).toBe(1000);
  const [row] = new Database(path, { readonly: true }).query("PRAGMA user_version").all();
  expect(row).toEqual({ user_version: 3 });
});

test("changes are made all or none, and only those that can be", () => {
  const code = (entity: QuotaEntity, bytesPerSecond: number | undefined) => {
    try {
      access.quotas.alter([
        { entity: { user: "first" }, key: "producer_byte_rate", bytesPerSecond: 1 },
        { entity, key: "producer_byte_rate", bytesPerSecond },
      ]);
      return "none";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (const bad of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53])
    expect(code({ user: "a" }, bad)).toBe("argument_invalid");
  for (const name of ["", "a\nb", "x\0", "x".repeat(257)]) {
    expect(code({ user: name }, 1)).toBe("argument_invalid");
    expect(code({ clientId: name }, 1)).toBe("argument_invalid");
  }
  expect(code({}, 1)).toBe("argument_invalid");
  expect(access.quotas.list()).toEqual([]);
  expect(code({ user: "a" }, 1)).toBe("none");
  expect(access.quotas.list()).toHaveLength(2);
});

test("there are quotas for 10,000 entities at most, and room again when one is taken away", () => {
  const all = Array.from({ length: 10_000 }, (_, i) => ({
    entity: { clientId: `c${i}` },
    key: "producer_byte_rate" as const,
    bytesPerSecond: 1,
  }));
  access.quotas.alter(all);
  expect(() => set({ user: "ann" }, 1)).toThrow("10000");
  set({ clientId: "c0" }, 2);
  set({ clientId: "c0" }, undefined);
  set({ user: "ann" }, 1);
  expect(access.quotas.list()).toHaveLength(10_000);
});
