/** The brokers that the matrix runs against, and what the tests see of them with voik's own client. */
import { BrokerClient } from "../../../src/cli/broker-client.ts";
import { describeGroup } from "../../../src/cli/group-client.ts";
import { KafkaClient } from "../../../src/kafka/client.ts";
import { Certificates } from "../../helpers/certificates.ts";
import { run } from "../../helpers/installed.ts";
import { createTopic, produceBatch } from "../../helpers/kafka-records.ts";
import { batchOf } from "../../helpers/log.ts";
import type { Topic } from "../../helpers/transactional-producer.ts";
import { VoikProcess, voikExecutable } from "../../helpers/voik-process.ts";
import type { Connection } from "./client.ts";

const PASSWORD = "correct horse";
const WAIT_MS = 45_000;

export class World implements AsyncDisposable {
  private constructor(
    private readonly voik: VoikProcess,
    private readonly secured: VoikProcess,
    private readonly certificates: Certificates,
    readonly kafka: KafkaClient,
  ) {}

  static async start(): Promise<World> {
    const certificates = new Certificates();
    const { cert, key } = certificates.server;
    const [voik, secured] = await Promise.all([
      VoikProcess.start(),
      VoikProcess.start({
        args: ["--kafka-auth", "sasl", "--kafka-tls-cert", cert, "--kafka-tls-key", key],
      }),
    ]);
    const create = [voikExecutable(), "user", "create", "ann", "--data-dir", secured.folder];
    await run(create, { env: { VOIK_PASSWORD: PASSWORD } });
    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    return new World(voik, secured, certificates, kafka);
  }

  get plain(): Connection {
    return { broker: this.voik.addresses.kafka };
  }

  /** SASL_SSL. */
  get secure(): Connection {
    const login = { user: "ann", password: PASSWORD, ca: this.certificates.ca };
    return { broker: this.secured.addresses.kafka, login };
  }

  async createTopic(name: string, partitions: number): Promise<Topic> {
    return { name, id: await createTopic(this.kafka, name, partitions) };
  }

  /** Writes `count` values, `from` and on, spread over the partitions; returns them. */
  async feed(topic: Topic, partitions: number, from: number, count: number): Promise<string[]> {
    const values = Array.from({ length: count }, (_, i) => `value ${from + i}`);
    for (let partition = 0; partition < partitions; partition++) {
      const share = values.filter((_, i) => i % partitions === partition);
      await produceBatch(this.kafka, topic, partition, batchOf(share));
    }
    return values;
  }

  /** How many shards each member of the group reads, ascending; nothing while it rebalances. */
  async shares(group: string): Promise<number[]> {
    return BrokerClient.use(this.voik.addresses.kafka, async (client) => {
      const { state, members, shards } = await describeGroup(client, group);
      if (state.toLowerCase() !== "stable") return [];
      const owned = members.map(({ id }) => shards.filter(({ member }) => member === id).length);
      return owned.sort((a, b) => a - b);
    }).catch(() => []);
  }

  /** Waits until the members of a group read so many shards each. */
  async untilShared(group: string, wanted: readonly number[], hint: () => string): Promise<void> {
    let found: number[] = [];
    await until(
      async () => {
        found = await this.shares(group);
        return Bun.deepEquals(found, wanted);
      },
      () => `group ${group} is shared ${wanted}, not ${found}; ${hint()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kafka.close();
    for (const voik of [this.voik, this.secured]) {
      await voik.stop();
      await voik[Symbol.asyncDispose]();
    }
    this.certificates[Symbol.dispose]();
  }
}

/** Waits until something holds; throws with `what` was waited for when it does not in 45 seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within time: ${what()}`);
    await Bun.sleep(25);
  }
}
