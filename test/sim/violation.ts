/** What the simulator's oracles say when the log breaks a promise. */

/** A promise of the log, broken. */
export class Violation extends Error {
  override name = "Violation";
}

export function demand(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Violation(promise);
}
