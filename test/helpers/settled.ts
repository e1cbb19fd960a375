/** What clients leave behind goes when the broker has noticed, which takes a moment. */
import type { VoikProcess } from "./voik-process.ts";

const SETTLE_MS_MAX = 20_000;
const LOOK_MS = 50;

/** Waits until `count` is `wanted` or less; throws when it does not get there. */
export async function settled(
  voik: VoikProcess,
  count: () => number | Promise<number>,
  wanted: number,
): Promise<void> {
  const deadline = performance.now() + SETTLE_MS_MAX;
  for (let now = await count(); now > wanted; now = await count()) {
    if (performance.now() > deadline)
      throw new Error(`${now} are left, where ${wanted} were: ${voik.stderr}`);
    await Bun.sleep(LOOK_MS);
  }
}
