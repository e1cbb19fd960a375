/**
 * The benchmarks' program: runs the questions named on the command line, or all of them; see README.md. `make bench` builds
 * it as voik is built, and runs that; `bun bench/main.ts` runs it from source. The processes that a benchmark starts are
 * this program again, with the name of a part and its arguments (lib/child.ts). Each is loaded only when it is asked for.
 */
import { widenThreadPool } from "../src/base/thread-pool.ts";

const QUESTIONS = {
  append: () => import("./append.ts"),
  "log-io": () => import("./log-io.ts"),
  "group-commit": () => import("./group-commit.ts"),
  growth: () => import("./growth.ts"),
  produce: () => import("./produce.ts"),
  fetch: () => import("./fetch.ts"),
  "put-records": () => import("./put-records.ts"),
  subscribe: () => import("./subscribe.ts"),
  micro: () => import("./micro.ts"),
};

/** What is no question of its own, and takes arguments. */
const PARTS = {
  report: () => import("./report.ts"),
  server: () => import("./server.ts"),
  "growth-probe": () => import("./lib/growth-probe.ts"),
};

const isQuestion = (name: string): name is keyof typeof QUESTIONS => Object.hasOwn(QUESTIONS, name);
const isPart = (name: string): name is keyof typeof PARTS => Object.hasOwn(PARTS, name);

async function answer(asked: readonly string[]): Promise<void> {
  const unknown = asked.filter((name) => !isQuestion(name));
  if (unknown.length > 0) {
    console.error(`no benchmark ${unknown.join(", ")}: there are ${Object.keys(QUESTIONS).join(", ")}`);
    process.exit(2);
  }
  const how = Bun.isStandaloneExecutable ? "compiled" : "from source";
  const machine = `${process.platform} ${process.arch}, ${navigator.hardwareConcurrency} cores`;
  console.log(`bun ${Bun.version}, ${how}, ${machine}\n`);
  const names = asked.length > 0 ? asked : Object.keys(QUESTIONS);
  for (const name of names.filter(isQuestion)) {
    const { run } = await QUESTIONS[name]();
    await run();
    console.log();
  }
}

widenThreadPool();
const [first = "", ...rest] = process.argv.slice(2);
if (isPart(first)) await (await PARTS[first]()).run(rest);
else await answer(process.argv.slice(2));
process.exit(0);
