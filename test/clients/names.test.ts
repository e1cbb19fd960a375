/**
 * Names that look like paths, through both protocols, while strace writes down every path that the executable names
 * to the system: none of them is made of a client's name, and nothing is made or opened for writing outside the data
 * folder.
 */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KafkaClient } from "../../src/kafka/client.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { temporaryFolder, VoikProcess, voikExecutable } from "../helpers/voik-process.ts";

/** In each of them, so that it is found wherever it went. */
const MARK = "zqx";
const BAD = [
  `../${MARK}`,
  `..%2f${MARK}`,
  `/tmp/${MARK}`,
  `${MARK}/b`,
  `${MARK}\0b`,
  `..\\${MARK}`,
  `${MARK}ø`,
];
const GOOD = [`...${MARK}`, `__${MARK}`, `${MARK}-0`, MARK.padEnd(128, "x")];
const CALLS =
  "open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat";
/** open for writing, or a call that changes names */
const CHANGES = /O_WRONLY|O_RDWR|O_CREAT|^\d+ +(creat|mkdir|rename|unlink|link|symlink)/;
const INVALID_TOPIC = 17;

describeAsRoot("hostile names", ["strace"], () => {
  test("43: no path outside the data folder, and none of a client's making", async () => {
    const folder = temporaryFolder("names");
    const calls = join(folder, "calls");
    const data = join(folder, "data");
    // Bun unpacks the one native file of the executable there, by its name within.
    const temporary = join(folder, "temporary");
    mkdirSync(temporary);
    const command = [
      "strace",
      "-D",
      "-qq",
      "-f",
      "--seccomp-bpf",
      "-s",
      "4096",
      "-o",
      calls,
      "-e",
      `trace=${CALLS}`,
    ];
    await using voik = await VoikProcess.start({
      folder: data,
      command: [...command, voikExecutable()],
      env: { PATH: process.env.PATH ?? "", TMPDIR: temporary },
    });
    const create = async (StreamName: string) => {
      const response = await fetch(voik.addresses.kinesis, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": "Kinesis_20131202.CreateStream",
        },
        body: JSON.stringify({ StreamName, ShardCount: 1 }),
      });
      return response.status;
    };
    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const createTopic = async (name: string) => {
      const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      const { topics } = await kafka.request(CreateTopics, { topics: [topic], timeoutMs: 10_000 });
      return topics[0]?.errorCode;
    };
    for (const name of BAD)
      expect([name, await create(name), await createTopic(name)]).toEqual([name, 400, INVALID_TOPIC]);
    for (const name of GOOD) {
      expect([name, await create(name)]).toEqual([name, 200]);
      expect([name, await createTopic(`k${name}`)]).toEqual([name, 0]);
    }
    kafka.close();
    await voik.stop();
    const lines = readFileSync(calls, "utf8").split("\n");
    expect(lines.filter((line) => line.includes(`${data}/streams/`)).length).toBeGreaterThan(GOOD.length * 2);
    expect(lines.filter((line) => line.includes(MARK))).toEqual([]);
    const changed = lines.filter((line) => CHANGES.test(line) && /"/.test(line));
    const allowed = [`"${data}`, `"${temporary}`, '.node"', '"/dev/', '"/proc/'];
    expect(changed.filter((line) => !allowed.some((path) => line.includes(path)))).toEqual([]);
    rmSync(folder, { recursive: true });
  }, 30_000);
});
