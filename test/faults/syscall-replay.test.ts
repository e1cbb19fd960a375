/**
 * One run of the executable under load, its system calls recorded with every byte, and then power cuts at any of them:
 * each state that a disk without mercy may be left in (traced-disk.ts) is put into a folder and opened by the
 * executable. What was answered before the cut is there, nothing that was never sent, no topic that was deleted.
 *
 * Real cuts (power-cuts.test.ts) show what ext4 and XFS leave; they write names down in order, and mostly in time, and
 * hide a folder sync that is missing. Models: ALICE (OSDI 2014), CrashMonkey (OSDI 2018).
 *
 * VOIK_FAULT_STATES is the number of states, VOIK_SEED repeats a choice (not the run itself). With --log-io=file: stores
 * to a mapping are no system calls. Of what consumers see, only what sendfile sends is looked at.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeAsRoot } from "../helpers/installed.ts";
import { type Breaking, JOURNAL_SYNCS_MIN, RecordedRun } from "../helpers/recorded-run.ts";
import { targetOf } from "../helpers/strace-log.ts";
import type { Lies } from "../helpers/traced-disk.ts";
import type { CrashMode } from "../sim/sim-inode.ts";
import { SimRandom } from "../sim/sim-random.ts";

const STATES = Number(process.env.VOIK_FAULT_STATES ?? 10);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const MODES: CrashMode[] = ["all", "none", "moment", "mixed", "mixed"];

describeAsRoot("replayed system calls", ["strace"], () => {
  let run: RecordedRun;
  beforeAll(async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} chooses the same states)`);
    run = await RecordedRun.make(SEED);
  }, 60_000);
  afterAll(() => run?.remove());

  test("11: the run that is replayed rolls, makes, deletes, and uses the journal", () => {
    const calls = run.moments.filter(({ kind }) => kind === "ends").map(({ call }) => call);
    const count = (name: string, on: RegExp) =>
      calls.filter((call) => call.name === name && on.test(call.args)).length;
    expect(count("fdatasync", /\/journal\//)).toBeGreaterThanOrEqual(JOURNAL_SYNCS_MIN);
    expect(count("fdatasync", /\.log/)).toBeGreaterThan(0);
    expect(count("rename", /\.log\.pending/)).toBeGreaterThan(0);
    expect(count("pwrite64", /voik\.db-wal/)).toBeGreaterThan(0);
    expect(run.load.history.refused).toEqual([]);
    expect(run.ackedInTrace()).toBeGreaterThan(100);
  });

  test(
    `11: ${STATES} states that a power cut may leave hold all that was answered, and nothing else`,
    async () => {
      const random = new SimRandom(SEED);
      const last = run.moments.at(-1)?.at ?? 0;
      const cuts = Array.from({ length: STATES }, () => random.below(last + 1)).sort((a, b) => a - b);
      const breaches = await run.breachesAfter(cuts, random, { modes: MODES });
      expect(breaches).toEqual([]);
      console.log(`${STATES} states of ${last} lines, ${run.ackedInTrace()} records acked meanwhile`);
    },
    60_000 + STATES * 3_000,
  );

  test("11: consumers are sent nothing that a power cut could still take", () => {
    const { sent, tooEarly } = run.sentTooEarly();
    expect(sent).toBeGreaterThan(10);
    expect(tooEarly).toEqual([]);
    expect(run.sentTooEarly({ sync: (path) => /\.log|\/journal\//.test(path) }).tooEarly).not.toEqual([]);
  }, 60_000);

  test.each<[string, RegExp]>([
    ["log files", /\.log/],
    ["the journal", /\/journal\//],
    ["folders", /\/streams(\/\w+)*$/],
    ["the catalog", /voik\.db/],
  ])(
    "11: without syncs of %s it is found out",
    async (_, path) => {
      const random = new SimRandom(SEED);
      const lies: Lies = { sync: (synced) => path.test(synced) };
      const options: Breaking = { modes: ["none"], lies, enough: true };
      const breaches = await run.breachesAfter(run.answersToMakers(), random, options);
      expect(breaches.length).toBeGreaterThan(0);
      expect(breaches.filter((text) => !/: (lost|revived): |: Fetch .* error 2$/.test(text))).toEqual([]);
    },
    60_000,
  );

  test("11: one write to a log that never reached the disk is found out", async () => {
    const random = new SimRandom(SEED);
    const writes = run.moments.filter(
      ({ call, kind }) => kind === "ends" && call.name === "pwrite64" && /\/\d{20}\.log/.test(targetOf(call)),
    );
    const lost = random.pick(writes).call;
    const options: Breaking = { modes: ["all"], lies: { write: (call) => call === lost } };
    const end = run.moments.at(-1)?.at ?? 0;
    expect((await run.breachesAfter([end], random, options)).length).toBeGreaterThan(0);
  }, 60_000);
});
