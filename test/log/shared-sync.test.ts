/** Many who wait for the disk share a sync, and none is told before one that started after it asked. */
import { expect, test } from "bun:test";
import type { Volume } from "../../src/base/file-system.ts";
import { SharedSync } from "../../src/log/shared-sync.ts";

/** A volume whose syncs end when the test says so. */
class ManualVolume implements Volume {
  usable = true;
  readonly syncs: PromiseWithResolvers<void>[] = [];
  prepare = () => this.usable;
  close() {}
  sync(): Promise<void> {
    const reply = Promise.withResolvers<void>();
    this.syncs.push(reply);
    return reply.promise;
  }
  end(i: number): void {
    (this.syncs[i] as PromiseWithResolvers<void>).resolve();
  }
}

/** What has been told by now. */
function toldBy(waits: (Promise<void> | undefined)[]): string[] {
  const told = waits.map(() => "waits");
  waits.forEach((wait, i) =>
    wait?.then(
      () => (told[i] = "synced"),
      (error: Error) => (told[i] = error.message),
    ),
  );
  return told;
}

const turn = () => new Promise(setImmediate);

test("who asks during a sync shares the next one", async () => {
  const volume = new ManualVolume();
  const shared = new SharedSync(volume);
  const told = toldBy([shared.sync(), shared.sync(), shared.sync()]);
  await turn();
  expect(volume.syncs).toHaveLength(1);
  volume.end(0);
  await turn();
  expect(told).toEqual(["synced", "waits", "waits"]);
  expect(volume.syncs).toHaveLength(2);
  volume.end(1);
  await turn();
  expect(told).toEqual(["synced", "synced", "synced"]);
  void shared.sync();
  expect(volume.syncs).toHaveLength(3);
});

test("a failed sync fails those whom it was for, and no others", async () => {
  const volume = new ManualVolume();
  const shared = new SharedSync(volume);
  const told = toldBy([shared.sync(), shared.sync()]);
  volume.syncs[0]?.reject(new Error("EIO"));
  await turn();
  expect(told).toEqual(["EIO", "waits"]);
  volume.end(1);
  await turn();
  expect(told).toEqual(["EIO", "synced"]);
});

test("a volume that can't be synced as a whole is left alone, and fails who already waits for it", async () => {
  const volume = new ManualVolume();
  const shared = new SharedSync(volume);
  const told = toldBy([shared.sync(), shared.sync()]);
  volume.usable = false;
  expect(shared.sync()).toBeUndefined();
  volume.end(0);
  await turn();
  expect(told[0]).toBe("synced");
  expect(told[1]).toContain("EIO");
  expect(volume.syncs).toHaveLength(1);
});
