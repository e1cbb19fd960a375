/** Measures two things in turn and compares them pair by pair, so that a machine that drifts hits both alike. */

export interface Spread {
  low: number;
  median: number;
  high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    low: sorted[0] as number,
    median: sorted[Math.floor(sorted.length / 2)] as number,
    high: sorted[sorted.length - 1] as number,
  };
}

/** Runs a and b in turn, `rounds` times after one warm-up; each gives a rate. Prints both and the ratio a/b. */
export async function comparePairs(
  name: string,
  unit: string,
  rounds: number,
  a: () => number | Promise<number>,
  b: () => number | Promise<number>,
): Promise<Spread> {
  await a();
  await b();
  const rates: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.push(await a());
    others.push(await b());
  }
  const ratio = spreadOf(rates.map((rate, i) => rate / (others[i] as number)));
  const show = (spread: Spread, digits: number) => spread.median.toFixed(digits).padStart(9);
  console.log(
    `  ${name.padEnd(44)}${show(spreadOf(rates), 0)} ${unit}  against${show(spreadOf(others), 0)} ${unit}   ` +
      `ratio ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}..${ratio.high.toFixed(2)})`,
  );
  return ratio;
}

export const MEGABYTE = 1e6;
