/** Runs the benchmarks named on the command line, or all of them: see README.md. */
const QUESTIONS = [
  "append",
  "log-io",
  "group-commit",
  "growth",
  "produce",
  "fetch",
  "put-records",
  "subscribe",
  "micro",
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !QUESTIONS.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}: there are ${QUESTIONS.join(", ")}`);
  process.exit(2);
}
console.log(
  `bun ${Bun.version}, ${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores\n`,
);
for (const name of asked.length > 0 ? asked : QUESTIONS) {
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<void> };
  await run();
  console.log();
}
process.exit(0);
