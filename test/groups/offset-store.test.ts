/** Committed offsets: stored together, synced before they are told of, there after a restart, forgotten in time. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem } from "../../src/base/file-system.ts";
import type { JoinReply } from "../../src/groups/group.ts";
import type { CommittedOffset } from "../../src/groups/groups.ts";
import { OffsetStore } from "../../src/groups/offset-store.ts";
import { SETTLING_MS } from "../../src/log/clock-steps.ts";
import { openTestGroups } from "../helpers/groups.ts";
import { TimerClock } from "../helpers/timer-clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voik-offsets-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const STREAM = "a".repeat(32);
const at = (offset: number, shard = 0, streamId = STREAM): CommittedOffset => ({
  streamId,
  shard,
  offset,
  leaderEpoch: 0,
  metadata: `at ${offset}`,
});

interface Hooks {
  /** Runs in place of a sync of the write-ahead log. */
  sync?: (real: () => Promise<void>) => Promise<void>;
  onSyncFailure?: (error: unknown) => void;
}

function openStore({ sync, onSyncFailure }: Hooks = {}): Promise<OffsetStore> {
  const fileSystem: FileSystem = {
    ...disk,
    open(path, mode) {
      const file = disk.open(path, mode);
      if (sync && path.endsWith("-wal")) {
        const real = file.sync.bind(file);
        file.sync = () => sync(real);
      }
      return file;
    },
  };
  const fail = (error: unknown) => {
    throw error;
  };
  const path = join(folder, "groups.db");
  return OffsetStore.open({ path, fileSystem, clock: systemClock, onSyncFailure: onSyncFailure ?? fail });
}

describe("the offset store", () => {
  test("keeps offsets with epoch and metadata over a restart, per group, stream and shard", async () => {
    const store = await openStore();
    const large = { ...at(2 ** 52, 3), leaderEpoch: 7, metadata: "grüße" };
    await Promise.all([
      store.commit("g", [at(5), at(6, 1), large], undefined, null),
      store.commit("g", [at(9)], undefined, null),
      store.commit("other", [at(1)], 17, null),
    ]);
    await store.close();
    const again = await openStore();
    const all = (await again.read("g", null)).sort((a, b) => a.shard - b.shard);
    expect(all).toEqual([at(9), at(6, 1), large]);
    expect(
      await again.read("g", [
        { streamId: STREAM, shard: 1 },
        { streamId: STREAM, shard: 2 },
      ]),
    ).toEqual([at(6, 1)]);
    expect(await again.read("other", null)).toEqual([at(1)]);
    expect(await again.read("nobody", null)).toEqual([]);
    expect(again.groups.get("other")?.emptySinceMs).toBe(17);
    expect(again.groups.get("g")?.emptySinceMs).toBeGreaterThan(17);
    await again.close();
  });

  test("its files are for their owner alone", async () => {
    const store = await openStore();
    await store.commit("g", [at(1)], undefined, null);
    for (const name of ["groups.db", "groups.db-wal", "groups.db-shm"]) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
    await store.close();
  });

  test("commits of one tick share one sync, and are told only after it", async () => {
    let syncs = 0;
    let release = () => {};
    const store = await openStore({
      sync: (real) => {
        if (++syncs === 1) return real();
        return new Promise<void>((resolve) => (release = resolve)).then(real);
      },
    });
    let told = 0;
    const commits = Array.from({ length: 50 }, (_, i) =>
      store.commit("g", [at(i)], undefined, null).then(() => told++),
    );
    while (syncs < 2) await Bun.sleep(1);
    const reading = store.read("g", null);
    let read = false;
    void reading.then(() => (read = true));
    await Bun.sleep(5);
    expect([told, read]).toEqual([0, false]);
    release();
    await Promise.all(commits);
    expect(told).toBe(50);
    expect(syncs).toBeLessThanOrEqual(3);
    while (syncs < 3) await Bun.sleep(1);
    release();
    expect(await reading).toEqual([at(49)]);
    await store.close();
  });

  test("a failed sync refuses what waits and all that comes, and is told of once", async () => {
    let syncs = 0;
    const failures: unknown[] = [];
    const store = await openStore({
      sync: (real) =>
        ++syncs === 1 ? real() : Promise.reject(Object.assign(new Error("gone"), { code: "EIO" })),
      onSyncFailure: (error) => failures.push(error),
    });
    const results = await Promise.allSettled([
      store.commit("g", [at(1)], undefined, null),
      store.commit("g", [at(2)], undefined, null),
    ]);
    for (const result of results) {
      expect(result.status === "rejected" && result.reason.code).toBe("storage_failed");
    }
    expect(failures.length).toBe(1);
    await expect(store.commit("g", [at(3)], undefined, null)).rejects.toMatchObject({
      code: "storage_failed",
    });
    await expect(store.read("g", null)).rejects.toMatchObject({ code: "storage_failed" });
    await store.close();
  });

  test("after its end it refuses commits", async () => {
    const store = await openStore();
    await store.close();
    await expect(store.commit("g", [at(1)], undefined, null)).rejects.toMatchObject({
      code: "shutting_down",
    });
  });

  test("refuses a file that is not its own", async () => {
    writeFileSync(
      join(folder, "groups.db"),
      "not a database, and rather long for a file that should be empty",
    );
    await expect(openStore()).rejects.toMatchObject({ code: "storage_damaged" });
  });
});

describe("groups and their offsets", () => {
  const nobody = { memberId: "", instanceId: null, generation: -1 };

  test("anybody may keep offsets under the name of a group that nobody is in", async () => {
    const { groups, close } = await openTestGroups({ folder });
    expect(await groups.commit("g", nobody, [at(4)])).toBeUndefined();
    expect(await groups.committed("g", null)).toEqual([at(4)]);
    expect(groups.describe("g")).toMatchObject({ phase: "empty" });
    expect(groups.list().map(({ id }) => id)).toEqual(["g"]);
    expect(await groups.commit("g", { ...nobody, memberId: "m", generation: 3 }, [at(5)])).toBe(
      "member_unknown",
    );
    expect(await groups.commit("new", { ...nobody, memberId: "m", generation: 3 }, [at(5)])).toBe(
      "group_not_found",
    );
    expect(await groups.commit("", nobody, [at(4)])).toBe("group_id_invalid");
    await groups.forget("g", [{ streamId: STREAM, shard: 0 }]);
    expect(await groups.committed("g", null)).toEqual([]);
    expect(await groups.delete("g")).toBeUndefined();
    expect(await groups.delete("g")).toBe("group_not_found");
    expect(groups.describe("g")).toBeUndefined();
    await close();
  });

  test("a commit of which nothing can be stored makes no group", async () => {
    const { groups, close } = await openTestGroups({ folder });
    expect(await groups.commit("ghost", nobody, [])).toBeUndefined();
    expect(await groups.commitPending("ghost", 7, nobody, [])).toBeUndefined();
    expect(groups.list()).toEqual([]);
    await close();
  });

  test("what a group's members were is known when they have gone, over a restart too", async () => {
    const request = {
      memberId: "",
      instanceId: null,
      clientId: "c",
      clientHost: "",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
      idRequired: false,
      maySkip: true,
    };
    const first = await openTestGroups({ folder });
    const { groups } = first;
    const { memberId, generation } = await new Promise<JoinReply>((resolve) => {
      groups.join("g", request, resolve);
    });
    const speaker = { memberId, instanceId: null, generation };
    groups.sync("g", { ...speaker, protocolType: null, protocolName: null, assignments: [] }, () => {});
    expect(await groups.commit("g", speaker, [at(1)])).toBeUndefined();
    expect(await groups.commit("simple", nobody, [at(1)])).toBeUndefined();
    groups.leave("g", [{ memberId, instanceId: null }]);
    const types = ({ groups: those }: typeof first) =>
      ["g", "simple"].map((id) => those.describe(id)?.protocolType);
    expect(types(first)).toEqual(["consumer", null]);
    await first.close();
    const again = await openTestGroups({ folder });
    expect(types(again)).toEqual(["consumer", null]);
    expect(new Set(again.groups.list().map(({ protocolType }) => protocolType))).toEqual(
      new Set(["consumer", null]),
    );
    // A group in use when voik ended: nobody has left it.
    const rejoined = await new Promise<JoinReply>((resolve) => void again.groups.join("h", request, resolve));
    const other = { memberId: rejoined.memberId, instanceId: null, generation: rejoined.generation };
    again.groups.sync("h", { ...other, protocolType: null, protocolName: null, assignments: [] }, () => {});
    expect(await again.groups.commit("h", other, [at(1)])).toBeUndefined();
    await again.close();
    const last = await openTestGroups({ folder });
    expect(last.groups.describe("h")).toMatchObject({ phase: "empty", protocolType: "consumer" });
    await last.close();
  });

  test("there are so many groups with offsets and no more", async () => {
    const { groups, close } = await openTestGroups({ folder, limits: { groupsMax: 2 } });
    for (const id of ["a", "b", "a"]) expect(await groups.commit(id, nobody, [at(1)])).toBeUndefined();
    expect(await groups.commit("c", nobody, [at(1)])).toBe("limit_exceeded");
    await close();
  });

  test("offsets of a group without members are forgotten after their time, those of a deleted stream at once", async () => {
    const clock = new TimerClock({ nowMs: () => 1_000_000, monotonicMs: () => 0 });
    const streams = new Set([STREAM]);
    const limits = { offsetRetentionMs: SETTLING_MS };
    const { groups, classic, close } = await openTestGroups({
      folder,
      clock,
      limits,
      streamExists: (id) => streams.has(id),
    });
    await groups.commit("old", nobody, [at(1)]);
    clock.pass(SETTLING_MS - 1);
    await groups.commit("new", nobody, [at(1), at(1, 0, "b".repeat(32))]);
    const joined = new Promise<void>((resolve) => {
      const request = {
        memberId: "",
        instanceId: null,
        clientId: "c",
        clientHost: "",
        sessionTimeoutMs: 2 * SETTLING_MS,
        rebalanceTimeoutMs: 2 * SETTLING_MS,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
        idRequired: false,
        maySkip: true,
      };
      groups.join("used", request, () => resolve());
    });
    clock.pass(1);
    await joined;
    await classic.offsetSweep.run();
    expect(
      groups
        .list()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["new", "used"]);
    expect(await groups.committed("new", null)).toEqual([at(1)]);
    clock.pass(SETTLING_MS);
    await classic.offsetSweep.run();
    expect(groups.list().map(({ id }) => id)).toEqual(["used"]);
    streams.clear();
    await classic.offsetSweep.run();
    await close();
  });

  test("a clock that jumps ahead, or is ahead when voik starts, costs no offsets at once", async () => {
    const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;
    let aheadMs = 0;
    const clock = new TimerClock({ nowMs: () => 1_000_000 + aheadMs, monotonicMs: () => 0 });
    const open = () => openTestGroups({ folder, clock, limits: { offsetRetentionMs: 24 * 3_600_000 } });
    const first = await open();
    await first.groups.commit("g", nobody, [at(1)]);
    clock.pass(2 * SETTLING_MS);
    aheadMs = TEN_YEARS_MS;
    await first.classic.offsetSweep.run();
    expect(await first.groups.committed("g", null)).toEqual([at(1)]);
    await first.close();

    const again = await open();
    await again.classic.offsetSweep.run();
    clock.pass(SETTLING_MS - 1);
    await again.classic.offsetSweep.run();
    expect(await again.groups.committed("g", null)).toEqual([at(1)]);
    // Somebody puts it right.
    aheadMs = 0;
    await again.classic.offsetSweep.run();
    clock.pass(SETTLING_MS);
    await again.classic.offsetSweep.run();
    expect(await again.groups.committed("g", null)).toEqual([at(1)]);
    await again.close();
  });
});
