/**
 * Runs the simulator by hand: one seed with its whole story, or many.
 *
 *   bun test/sim/run.ts --seed 4711 --trace      replay one seed, telling every call on the disk
 *   bun test/sim/run.ts --from 0 --seeds 10000   run many, naming each seed that fails
 *
 * --no-transactions leaves transactions and syncs at once out, as for the seeds of regressions.ts.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string", default: "0" },
    seeds: { type: "string", default: "1000" },
    trace: { type: "boolean", default: false },
    "no-transactions": { type: "boolean", default: false },
  },
});

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const trace = values.trace ? (line: string) => console.log(line) : undefined;
let failed = 0;
const start = performance.now();
for (let seed = from; seed < from + count; seed++) {
  try {
    simulate(seed, values["no-transactions"] ? { trace, transactions: false, atOnce: false } : { trace });
  } catch (error) {
    failed++;
    console.log(
      `seed ${seed}: ${count === 1 && error instanceof Error ? error.stack : String(error).slice(0, 300)}`,
    );
  }
}
const seconds = (performance.now() - start) / 1000;
console.log(`${count} seeds, ${failed} failed, ${Math.round(count / seconds)} seeds/s`);
process.exitCode = failed > 0 ? 1 : 0;
