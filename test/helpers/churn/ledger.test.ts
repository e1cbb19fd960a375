/** The ledger objects to every way in which a group may go wrong, and to nothing else. */
import { describe, expect, test } from "bun:test";
import { ChurnLedger } from "./ledger.ts";

const PATIENCE_MS = 1_000;

/** A ledger in which "a" has read two records of partition 0, in generation 1. */
function begun(): ChurnLedger {
  const ledger = new ChurnLedger(2, PATIENCE_MS);
  ledger.claim("a", 1, 0, 0);
  ledger.committing(0, 2);
  ledger.committed("a", 0, 0, 2);
  return ledger;
}

describe("a group that does well", () => {
  test("hands a partition on where it was committed", () => {
    const ledger = begun();
    ledger.release("a", [0]);
    ledger.claim("b", 2, 0, 2);
    expect(ledger.broken).toEqual([]);
    expect(ledger.ends).toEqual([2, 0]);
    expect(ledger.handovers.map(({ waitedForDead }) => waitedForDead)).toEqual([false]);
    expect(ledger.firstMs.length).toBe(1);
  });

  test.each([2, 4])(
    "may have counted a commit that a dead member did not hear of, or not: %i",
    (committed) => {
      const ledger = begun();
      ledger.committing(0, 4);
      ledger.died("a", [0]);
      ledger.claim("b", 2, 0, committed);
      expect(ledger.broken).toEqual([]);
      expect(ledger.handovers[0]?.waitedForDead).toBe(true);
    },
  );
});

describe("a group that", () => {
  test("gives a partition to two in one generation", () => {
    const ledger = begun();
    ledger.release("a", [0]);
    ledger.claim("b", 1, 0, 2);
    expect(ledger.broken).toEqual(["partition 0 is a's and b's in generation 1"]);
  });

  test("gives a partition away that is still read", () => {
    const ledger = begun();
    ledger.claim("b", 2, 0, 2);
    expect(ledger.broken).toEqual(["partition 0 is b's while a still reads it"]);
  });

  test.each([
    [1, "b reads twice records of 0: committed 1, acknowledged 2"],
    [3, "b skips records of 0: committed 3, acknowledged 2"],
  ])("forgets or invents a commit: %i", (committed, broken) => {
    const ledger = begun();
    ledger.release("a", [0]);
    ledger.claim("b", 2, 0, committed);
    expect(ledger.broken).toEqual([broken]);
  });

  test("takes a commit of one who no longer reads", () => {
    const ledger = begun();
    ledger.release("a", [0]);
    ledger.claim("b", 2, 0, 2);
    ledger.committed("b", 0, 2, 5);
    ledger.committed("a", 0, 2, 4);
    expect(ledger.broken).toEqual(["a committed 2 to 4 of 0, behind 5"]);
  });

  test("keeps a commit that it refused", () => {
    const ledger = begun();
    ledger.committing(0, 4);
    ledger.refused(0, 4);
    ledger.release("a", [0]);
    ledger.claim("b", 2, 0, 4);
    expect(ledger.broken).toEqual(["b skips records of 0: committed 4, acknowledged 2"]);
  });
});
