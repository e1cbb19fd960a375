/**
 * Loaded before src/main.ts (bun --preload): puts itself around the calls of the real disk, the catalog and the journal,
 * and tells, or cuts the power and dies, when a planned one is met (failpoints.ts). All of that happens within the call,
 * so nothing else of the broker runs meanwhile.
 */
import { appendFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem, OpenFile } from "../../src/base/file-system.ts";
import { Journal } from "../../src/log/journal.ts";
import { Catalog } from "../../src/streams/catalog.ts";
import { type Failpoint, type FailpointPlan, JOURNAL_FILE_BYTES } from "./failpoints.ts";
import { cutPowerOf } from "./loop-disk.ts";

const plan = JSON.parse(process.env.VOIK_FAILPOINTS ?? "") as FailpointPlan;
const patterns = new Map(plan.points.map((point) => [point, new RegExp(point.on)]));
const counts = new Map<Failpoint, number>();
/** Of the retention sweep; sweeps come quickly here, once steps count. */
const SWEEP_MS = 60_000;
const QUICK_SWEEP_MS = 20;

const isArmed = () => existsSync(plan.armed);

/** A call on `path` is about to happen, or has. */
function step(call: string, path: string, when: Failpoint["when"]): void {
  for (const point of plan.points) {
    if (point.call !== call || point.when !== when || !patterns.get(point)?.test(path) || !isArmed())
      continue;
    const count = (counts.get(point) ?? 0) + 1;
    counts.set(point, count);
    if (count !== (point.nth ?? 1)) continue;
    appendFileSync(plan.met, `${point.name}\n`);
    if (!plan.cut) continue;
    cutPowerOf(plan.cut.mount, plan.cut.mode);
    process.kill(process.pid, "SIGKILL");
  }
}

function around<Result>(call: string, path: string, run: () => Result): Result {
  step(call, path, "before");
  const result = run();
  if (!(result instanceof Promise)) step(call, path, "after");
  else return result.then((value) => (step(call, path, "after"), value)) as Result;
  return result;
}

const real: FileSystem = { ...disk };

Object.assign(disk, {
  open: (path, mode) => {
    if (mode !== "create") return watched(real.open(path, mode));
    return around("open", path, () => watched(real.open(path, mode)));
  },
  makeFolder: (path) => around("makeFolder", path, () => real.makeFolder(path)),
  rename: (from, to) => around("rename", from, () => real.rename(from, to)),
  remove: (path) => around("remove", path, () => real.remove(path)),
  removeFolder: (path) =>
    around("removeFolder", path, () => {
      const [first] = readdirSync(path);
      if (first !== undefined) rmSync(join(path, first), { recursive: true });
      step("removeFolder", path, "amid");
      real.removeFolder(path);
    }),
  syncFolder: (path) => around("syncFolder", path, () => real.syncFolder(path)),
} satisfies Partial<FileSystem>);

function watched(file: OpenFile): OpenFile {
  const { path } = file;
  const [write, sync, truncate] = [file.write.bind(file), file.sync.bind(file), file.truncate.bind(file)];
  return Object.assign(file, {
    write: (bytes, position) => around("write", path, () => write(bytes, position)),
    sync: () => around("sync", path, sync),
    truncate: (bytes) => around("truncate", path, () => truncate(bytes)),
  } satisfies Partial<OpenFile>);
}

/** The methods' last argument stands for a path. */
function watchMethods(name: string, prototype: object, methods: readonly string[]): void {
  const of = prototype as Record<string, (...args: unknown[]) => unknown>;
  for (const method of methods) {
    const run = of[method];
    if (run === undefined) throw new Error(`${name} has no ${method} any more`);
    of[method] = function (...args) {
      return around(`${name}.${method}`, String(args.at(-1)), () => run.apply(this, args));
    };
  }
}

watchMethods("catalog", Catalog.prototype, ["addStream", "setState", "reshard", "removeStream"]);
watchMethods("journal", Journal.prototype, ["put", "sync"]);

const { open } = Journal;
Journal.open = (options) => open({ ...options, fileBytes: JOURNAL_FILE_BYTES });

const { after } = systemClock;
systemClock.after = (delayMs, run) => {
  if (delayMs !== SWEEP_MS) return after(delayMs, run);
  const poll = () => (isArmed() ? run() : (timer = after(QUICK_SWEEP_MS, poll)));
  let timer = after(QUICK_SWEEP_MS, poll);
  return { cancel: () => timer.cancel() };
};
