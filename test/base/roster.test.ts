/** A roster holds who came and has not gone, and keeps nobody who has. */
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { Roster, type RosterMember } from "../../src/base/roster.ts";

class Guest implements RosterMember {
  rosterIndex = -1;
}

test("those who came and have not gone are in it, whatever the order", () => {
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const roster = new Roster<Guest>();
  const expected = new Set<Guest>();
  for (let i = 0; i < 5_000; i++) {
    const leaves = randomBelow(random, 2) === 0 && roster.size > 0;
    const guest = leaves ? (roster.members[randomBelow(random, roster.size)] as Guest) : new Guest();
    if (leaves) roster.remove(guest);
    else roster.add(guest);
    if (leaves) expected.delete(guest);
    else expected.add(guest);
    expect(roster.size).toBe(expected.size);
  }
  expect(new Set(roster.members)).toEqual(expected);
  for (const guest of [...roster.members]) roster.remove(guest);
  expect(roster.size).toBe(0);
});

test("nobody is added twice, or removed who is not in it", () => {
  const roster = new Roster<Guest>();
  const guest = new Guest();
  expect(() => roster.remove(guest)).toThrow("is in the roster");
  roster.add(guest);
  expect(() => roster.add(guest)).toThrow("is in one roster at a time");
  expect(roster.members).toEqual([guest]);
});

test("a small collection finds those who have gone", async () => {
  class Burdened extends Guest {
    readonly burden = new Uint8Array(64);
  }
  const VISITS = 400_000;
  const AT_ONCE = 32;
  const roster = new Roster<Burdened>();
  const present: Burdened[] = [];
  Bun.gc(true);
  const before = heapStats().objectCount;
  let most = 0;
  for (let i = 0; i < VISITS; i++) {
    const guest = new Burdened();
    roster.add(guest);
    present[i % AT_ONCE] = guest;
    const leaves = present[(i + 1) % AT_ONCE];
    if (leaves) roster.remove(leaves);
    if (i % 10_000 > 0) continue;
    most = Math.max(most, heapStats().objectCount - before);
    await Bun.sleep(0);
  }
  // 900 in a roster, 120,000 in a Set.
  expect(most).toBeLessThan(VISITS / 20);
});
