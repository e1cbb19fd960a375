/**
 * Invariants. A failed assertion is a bug in voik, never a user's mistake: it throws AssertionError, which
 * nobody catches, so the process ends with a stack trace instead of going on with a broken state.
 * Expected failures are VoikErrors (errors.ts).
 */

export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Throws AssertionError with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a place that exhaustive matching proves can't be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
