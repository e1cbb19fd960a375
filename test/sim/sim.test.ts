/**
 * The commit log on a disk that does everything disks do, seed after seed; and logs that are broken on purpose,
 * which the same seeds must find. VOIK_SIM_SEEDS runs more seeds (10000 take about a minute and a half on one core).
 */
import { describe, expect, test } from "bun:test";
import { HARMS } from "./harms.ts";
import { Violation } from "./violation.ts";
import { REGRESSIONS } from "./regressions.ts";
import { HURRIED_EVERY, simulate, simulateFailure } from "./simulation.ts";
import type { Harm, SimulationOptions } from "./simulation.ts";

const SEEDS = Number(process.env.VOIK_SIM_SEEDS ?? 1_000);
const SEEDS_TO_FIND_A_BUG = 600;
/** A story has at least so many calls that may fail. */
const CALLS_MIN = 100;
const TIMEOUT_MS = 600_000;

/** Names the seed, and the one command that tells its whole story. */
function run(seed: number, options: Pick<SimulationOptions, "transactions" | "atOnce"> = {}): void {
  try {
    simulate(seed, options);
  } catch (error) {
    throw new Error(`seed ${seed} failed; replay it: bun test/sim/run.ts --seed ${seed} --trace`, {
      cause: error,
    });
  }
}

function firstFailure(harm: Harm): { seed: number; error: unknown } | undefined {
  const [first, step] = harm.hurried ? [HURRIED_EVERY - 1, HURRIED_EVERY] : [0, 1];
  for (let i = 0; i < SEEDS_TO_FIND_A_BUG; i++) {
    const seed = first + i * step;
    try {
      simulate(seed, { harm });
    } catch (error) {
      return { seed, error };
    }
  }
  return undefined;
}

describe("the commit log on a simulated disk", () => {
  test.each(REGRESSIONS)(
    "keeps its promises where it once broke them: seed $seed, $found",
    ({ seed, transactions = false }) => run(seed, { transactions, atOnce: false }),
  );

  test(
    `keeps its promises in ${SEEDS} lives`,
    () => {
      for (let seed = 0; seed < SEEDS; seed++) run(seed);
    },
    TIMEOUT_MS,
  );

  // One story with a journal, one without.
  test.each([3, 4])(
    "keeps its promises whichever call on the disk fails: seed %d, each in turn",
    (seed) => {
      let call = 1;
      while (simulateFailure(seed, call)) call++;
      expect(call).toBeGreaterThan(CALLS_MIN);
    },
    TIMEOUT_MS,
  );

  test("a seed tells the same story twice", () => {
    const tell = (seed: number) => {
      const lines: string[] = [];
      simulate(seed, { trace: (line) => lines.push(line) });
      return lines;
    };
    for (const seed of [1, 2, 3]) expect(tell(seed)).toEqual(tell(seed));
  });
});

describe("the simulator finds", () => {
  test.each(Object.entries(HARMS))(
    "%s",
    (_, harm) => {
      const failure = firstFailure(harm);
      expect(failure?.error).toBeInstanceOf(Violation);
    },
    TIMEOUT_MS,
  );
});
