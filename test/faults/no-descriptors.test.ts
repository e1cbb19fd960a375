/**
 * A thousand connections where a process may have 256 descriptors: those that are too many are closed at once, segments
 * are begun as ever, nothing turns without end, and everything is as before when they are gone.
 */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { cpuShare } from "../helpers/cpu-share.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { produceBatch, readPartition } from "../helpers/kafka-records.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { batchOf } from "../helpers/shard-copies.ts";
import { voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const DESCRIPTORS = 256;
const CONNECTIONS = 1_000;
const SETTLE_MS_MAX = 20_000;
/** When it has no descriptor left, Bun waits a second before it takes the next connections. */
const QUIET_MS = 2_000;
const CPU_MS = 3_000;
const CPU_SHARE_MAX = 0.2;
const BATCH_BYTES = 20_000;
/** At 64 KiB a segment, a new one every third batch. */
const BATCHES = 30;

describeAsRoot("no descriptors left", ["prlimit", "setpriv"], () => {
  test.each(["kafka", "kinesis", "admin"] as const)(
    `33: of ${CONNECTIONS} idle connections to the %s port some are refused, and segments roll`,
    async (edge) => {
      await using voik = await VoikProcess.start({ command: limited(), args: ["--segment-bytes", "64KiB"] });
      const topic = await makeTopic(voik, "rolled", 1);
      await withKafka(voik, async (client) => {
        const write = () => produceBatch(client, topic, 0, batchOf(Buffer.alloc(BATCH_BYTES)));
        await write();
        const crowd = new Crowd(portOf(voik, edge));
        try {
          await crowd.settled();
          console.log(`${edge}: ${crowd.open} of ${CONNECTIONS} connections stay`);
          expect(crowd.open).toBeLessThan(DESCRIPTORS);
          const before = segmentsOf(voik, topic.id);
          for (let i = 0; i < BATCHES; i++) await write();
          expect(segmentsOf(voik, topic.id)).toBeGreaterThan(before + BATCHES / 4);
          const share = await cpuShare(voik.pid, CPU_MS);
          console.log(`${edge}: ${(share * 100).toFixed(1)} % of a core while they idle`);
          expect(share).toBeLessThan(CPU_SHARE_MAX);
          // Not the crowd's edge: there a newcomer is one too many.
          if (edge !== "admin") expect((await fetch(`${voik.addresses.admin}/livez`)).status).toBe(200);
          if (edge !== "kafka") await expectAll(voik, topic, BATCHES + 1);
        } finally {
          crowd.leave();
        }
        await expectAll(voik, topic, BATCHES + 1);
        const kinesis = kinesisClient(voik.addresses.kinesis);
        expect(await readStream(kinesis, topic.name)).toHaveLength(BATCHES + 1);
        kinesis.destroy();
      });
      await voik.stop();
    },
    60_000,
  );
});

/** The executable with few descriptors, and without root's right to have more. */
function limited(): string[] {
  const drop = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"];
  return ["prlimit", `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`, ...drop, voikExecutable()];
}

function portOf(voik: VoikProcess, edge: "kafka" | "kinesis" | "admin"): number {
  return edge === "kafka" ? voik.kafkaPort : Number(new URL(voik.addresses[edge]).port);
}

function segmentsOf(voik: VoikProcess, topicId: string): number {
  return readdirSync(join(voik.folder, "streams", topicId, "0")).filter((name) => name.endsWith(".log"))
    .length;
}

/** A newcomer finds everything that was written; it may have to knock again while others are being sent away. */
async function expectAll(
  voik: VoikProcess,
  topic: { name: string; id: string },
  count: number,
): Promise<void> {
  const deadline = performance.now() + SETTLE_MS_MAX;
  const read = (client: KafkaClient) => readPartition(client, topic, 0);
  for (;;) {
    try {
      expect(await withKafka(voik, read)).toHaveLength(count);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(20);
    }
  }
}

/** Idle connections, all opened at once. */
class Crowd {
  private readonly sockets: Socket[] = [];
  private readonly ended = new Set<Socket>();
  private lastChangeMs = performance.now();

  constructor(port: number) {
    const changed = () => (this.lastChangeMs = performance.now());
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("connect", changed);
      socket.on("error", () => {});
      socket.resume(); // or it does not notice its end
      socket.on("close", () => {
        this.ended.add(socket);
        changed();
      });
      this.sockets.push(socket);
    }
  }

  /** Connections that are neither refused nor closed. */
  get open(): number {
    return this.sockets.length - this.ended.size;
  }

  /** Resolves when none has come or gone for a while. Throws when that takes too long. */
  async settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    while (performance.now() - this.lastChangeMs < QUIET_MS) {
      if (performance.now() > deadline) throw new Error(`${this.open} connections come and go`);
      await Bun.sleep(20);
    }
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
