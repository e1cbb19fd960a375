import { beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import type { Volume } from "../../src/base/file-system.ts";
import type { SegmentEnd } from "../../src/log/segment.ts";
import { GroupCommit, type GroupCommitOptions } from "../../src/log/group-commit.ts";
import type { Journal } from "../../src/log/journal.ts";
import type { Syncable } from "../../src/log/syncable.ts";

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A log whose syncs end when the test says so. */
class FakeLog implements Syncable {
  /** What a sync of the file system does not reach. */
  held = 0;
  written = 0;
  durable = 0;
  shown = 0;
  eager = true;
  unsyncedBytes = 0;
  fileSyncs: PromiseWithResolvers<void>[] = [];
  journalable = true;
  failure: unknown;
  onTold = () => {};
  /** Ends of rounds, and how many syncs had begun when they were told. */
  told: { offset: number; syncsBegun: number }[] = [];

  get syncedEnd(): number {
    return this.durable;
  }

  get urgent(): boolean {
    return this.eager && this.written !== Math.max(this.durable, this.shown);
  }

  collect(): SegmentEnd {
    return { offset: this.written } as SegmentEnd;
  }

  noteJournaled(end: SegmentEnd): void {
    this.shown = end.offset;
  }

  tellDurable(): void {
    this.onTold();
  }

  failSync(error: unknown): void {
    this.failure = error;
  }

  flush(): void {
    this.held = 0;
  }

  showWritten(): void {
    this.shown = this.written;
  }

  get dirty(): boolean {
    return this.written !== this.durable;
  }

  async syncRound(covered?: Promise<void>): Promise<SegmentEnd> {
    const { written } = this;
    if (covered) await covered;
    else {
      const sync = Promise.withResolvers<void>();
      this.fileSyncs.push(sync);
      await sync.promise;
    }
    this.durable = written;
    return { offset: written } as SegmentEnd;
  }

  endRound(end: SegmentEnd): void {
    this.told.push({ offset: end.offset, syncsBegun: this.fileSyncs.length });
  }
}

class FakeVolume implements Volume {
  ready = true;
  syncs: PromiseWithResolvers<void>[] = [];
  prepare = () => this.ready;
  /** Told when a sync starts. */
  onSync = () => {};
  sync(): Promise<void> {
    this.onSync();
    const sync = Promise.withResolvers<void>();
    this.syncs.push(sync);
    return sync.promise;
  }
  close(): void {}
}

let volume: FakeVolume;
let failures: unknown[];
let kinds: string[];

beforeEach(() => {
  volume = new FakeVolume();
  failures = [];
  kinds = [];
});

function scheduler(options: GroupCommitOptions = { volume, togetherFrom: 3 }): GroupCommit {
  return new GroupCommit((error) => failures.push(error), systemClock, {
    onSynced: (kind) => kinds.push(kind),
    ...options,
  });
}

function append(groupCommit: GroupCommit, ...logs: FakeLog[]): void {
  for (const log of logs) {
    log.written++;
    log.held++;
    groupCommit.request(log);
  }
}

const fakeLogs = (count: number) => Array.from({ length: count }, () => new FakeLog());

describe("few busy logs", () => {
  test("are synced one by one, each once for all that was appended before", async () => {
    const groupCommit = scheduler();
    const [a, b] = fakeLogs(2) as [FakeLog, FakeLog];
    append(groupCommit, a, b, a, a);
    await nextTick();
    expect([a.fileSyncs.length, b.fileSyncs.length, volume.syncs.length]).toEqual([1, 1, 0]);
    append(groupCommit, a);
    a.fileSyncs[0]?.resolve();
    await nextTick();
    expect([a.durable, a.fileSyncs.length]).toEqual([3, 2]);
    expect(b.durable).toBe(0);
    expect(kinds).toEqual(["file"]);
  });
});

describe("a busy log", () => {
  test("has its next sync under way when those are told who waited for the last", async () => {
    const groupCommit = scheduler();
    const [log] = fakeLogs(1) as [FakeLog];
    append(groupCommit, log);
    await nextTick();
    append(groupCommit, log);
    log.fileSyncs[0]?.resolve();
    await nextTick();
    log.fileSyncs[1]?.resolve();
    await nextTick();
    expect(log.told).toEqual([
      { offset: 1, syncsBegun: 2 },
      { offset: 2, syncsBegun: 2 },
    ]);
  });
});

describe("a log with much to write", () => {
  test("is synced before the tick ends, and what comes meanwhile with the next sync", async () => {
    const groupCommit = scheduler();
    const [log] = fakeLogs(1) as [FakeLog];
    log.unsyncedBytes = 1 << 20;
    append(groupCommit, log);
    expect(log.fileSyncs).toHaveLength(1);
    append(groupCommit, log, log);
    await nextTick();
    expect(log.fileSyncs).toHaveLength(1);
    log.fileSyncs[0]?.resolve();
    await nextTick();
    log.fileSyncs[1]?.resolve();
    await nextTick();
    expect(log.told.map(({ offset }) => offset)).toEqual([1, 3]);
  });

  test("is synced with the others when those are many", async () => {
    const groupCommit = scheduler();
    const logs = fakeLogs(5);
    for (const log of logs) log.unsyncedBytes = 1 << 20;
    append(groupCommit, ...logs);
    await nextTick();
    expect(logs.map((log) => log.fileSyncs.length)).toEqual([1, 1, 0, 0, 0]);
    expect(volume.syncs).toHaveLength(1);
  });
});

describe("many busy logs", () => {
  test("have what they hold in their files when the file system is synced", async () => {
    const groupCommit = scheduler();
    const logs = fakeLogs(3);
    const held: number[] = [];
    volume.onSync = () => held.push(...logs.map((log) => log.held));
    append(groupCommit, ...logs);
    await nextTick();
    expect(held).toEqual([0, 0, 0]);
  });

  test("are synced by one sync of the file system", async () => {
    const groupCommit = scheduler();
    const logs = fakeLogs(3);
    append(groupCommit, ...logs, ...logs);
    await nextTick();
    expect(volume.syncs).toHaveLength(1);
    expect(logs.flatMap((log) => log.fileSyncs)).toEqual([]);
    volume.syncs[0]?.resolve();
    await nextTick();
    expect(logs.map((log) => log.durable)).toEqual([2, 2, 2]);
    expect(kinds).toEqual(["filesystem"]);
  });

  test("share the next sync with whoever became dirty during one", async () => {
    const groupCommit = scheduler();
    const logs = fakeLogs(3);
    const late = new FakeLog();
    append(groupCommit, ...logs);
    await nextTick();
    append(groupCommit, ...logs, late);
    await nextTick();
    expect(volume.syncs).toHaveLength(1);
    volume.syncs[0]?.resolve();
    await nextTick();
    await nextTick();
    expect(volume.syncs).toHaveLength(2);
    expect(logs.map((log) => log.durable)).toEqual([1, 1, 1]);
    expect(late.durable).toBe(0);
    volume.syncs[1]?.resolve();
    await nextTick();
    expect([...logs, late].map((log) => log.durable)).toEqual([2, 2, 2, 1]);
  });

  test("count those whose own sync is under way, and these change over when it ends", async () => {
    const groupCommit = scheduler();
    const [a, b, c] = fakeLogs(3) as [FakeLog, FakeLog, FakeLog];
    append(groupCommit, a, b);
    await nextTick();
    append(groupCommit, a, b, c);
    await nextTick();
    expect([volume.syncs.length, c.fileSyncs.length]).toEqual([1, 0]);
    a.fileSyncs[0]?.resolve();
    await nextTick();
    expect([a.durable, a.fileSyncs.length]).toEqual([1, 1]);
    volume.syncs[0]?.resolve();
    await nextTick();
    await nextTick();
    expect([a.fileSyncs.length + volume.syncs.length, c.durable]).toEqual([3, 1]);
  });

  test("are synced one by one while the volume is not ready", async () => {
    volume.ready = false;
    const groupCommit = scheduler();
    const logs = fakeLogs(4);
    append(groupCommit, ...logs);
    await nextTick();
    expect(volume.syncs).toHaveLength(0);
    expect(logs.map((log) => log.fileSyncs.length)).toEqual([1, 1, 1, 1]);
    volume.ready = true;
    append(groupCommit, ...logs);
    for (const log of logs) log.fileSyncs[0]?.resolve();
    await nextTick();
    await nextTick();
    expect(volume.syncs).toHaveLength(1);
  });
});

describe("many logs in the journal", () => {
  test("have the next round under way before all of them are told of the last", async () => {
    const logs = fakeLogs(200);
    let told = 0;
    const toldAtSync: number[] = [];
    const syncs: PromiseWithResolvers<void>[] = [];
    const journal = {
      behind: 0,
      prepare: () => true,
      takes: () => true,
      put: () => undefined,
      hold: () => undefined,
      sync() {
        toldAtSync.push(told);
        const sync = Promise.withResolvers<void>();
        syncs.push(sync);
        return sync.promise;
      },
    } as unknown as Journal;
    const groupCommit = scheduler({ volume, journal });
    for (const log of logs) log.onTold = () => void told++;
    const [first, second] = logs as [FakeLog, FakeLog];
    first.onTold = () => {
      if (told++ === 0) append(groupCommit, first, second);
    };
    append(groupCommit, ...logs);
    await nextTick();
    syncs[0]?.resolve();
    while (told < logs.length || syncs.length < 2) await nextTick();
    expect(toldAtSync[0]).toBe(0);
    expect(toldAtSync[1]).toBeGreaterThan(0);
    expect(toldAtSync[1]).toBeLessThan(logs.length);
    expect(logs.every((log) => log.shown === 1)).toBe(true);
  });
});

describe("a log whose writes count before they are synced", () => {
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    after(_: number, run: () => void) {
      timers.push(run);
      return { cancel: () => undefined };
    },
  };

  test("is told at the end of the tick, and synced when the timer says so", async () => {
    const groupCommit = new GroupCommit((error) => failures.push(error), clock);
    const log = new FakeLog();
    log.eager = false;
    append(groupCommit, log, log);
    expect(log.shown).toBe(0);
    await nextTick();
    append(groupCommit, log);
    await nextTick();
    expect([log.shown, log.fileSyncs.length, timers.length]).toEqual([3, 0, 1]);
    timers.pop()?.();
    await nextTick();
    expect(log.fileSyncs).toHaveLength(1);
    log.fileSyncs[0]?.resolve();
    await nextTick();
    expect([log.durable, log.fileSyncs.length, timers.length]).toEqual([3, 1, 0]);
    append(groupCommit, log);
    expect(timers).toHaveLength(1);
  });

  test("is synced without waiting once much of it is unsynced", async () => {
    const groupCommit = new GroupCommit((error) => failures.push(error), clock);
    const log = new FakeLog();
    log.eager = false;
    log.unsyncedBytes = 5 << 20;
    append(groupCommit, log);
    await nextTick();
    expect([log.shown, log.fileSyncs.length]).toEqual([1, 1]);
  });
});

describe("a failed sync", () => {
  test("of a file is told once, and nothing is synced any more", async () => {
    const groupCommit = scheduler();
    const [a, b] = fakeLogs(2) as [FakeLog, FakeLog];
    append(groupCommit, a, b);
    await nextTick();
    a.fileSyncs[0]?.reject("EIO a");
    b.fileSyncs[0]?.reject("EIO b");
    await nextTick();
    append(groupCommit, a, b);
    await nextTick();
    expect(failures).toEqual(["EIO a"]);
    expect([a.fileSyncs.length, b.fileSyncs.length, a.durable]).toEqual([1, 1, 0]);
  });

  test("of the file system is told once, and nothing is synced any more, not even what waited for the next one", async () => {
    const groupCommit = scheduler();
    const logs = fakeLogs(3);
    const late = fakeLogs(4);
    append(groupCommit, ...logs);
    await nextTick();
    append(groupCommit, ...late);
    volume.syncs[0]?.reject("EIO");
    await nextTick();
    append(groupCommit, ...logs);
    await nextTick();
    expect(failures).toEqual(["EIO"]);
    expect(volume.syncs).toHaveLength(1);
    expect([...logs, ...late].map((log) => log.durable + log.fileSyncs.length)).toEqual([
      0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(kinds).toEqual([]);
  });
});
