/** Every seed that ever failed, with what it found; they are run before all others. */
export const REGRESSIONS: readonly { seed: number; found: string }[] = [];
