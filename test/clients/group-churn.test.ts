/**
 * Group churn against the executable: up to 50 members join, leave and die at random over 32 partitions, by the classic
 * protocol and by KIP-848, while records come in. No partition is read by two, no record is skipped or read twice, and a
 * partition is soon read again. VOIK_CHURN_SECONDS and VOIK_SEED change length and seed; the seed fixes who comes and
 * goes, not the moments.
 */
import { expect, test } from "bun:test";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import * as classic from "../helpers/churn/classic-member.ts";
import { ChurnLedger, type Handover } from "../helpers/churn/ledger.ts";
import { type ChurnGroup, type ChurnMember, HEARTBEAT_MS } from "../helpers/churn/member.ts";
import * as modern from "../helpers/churn/modern-member.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import { batchOf } from "../helpers/log.ts";
import type { Topic } from "../helpers/transactional-producer.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const SECONDS = Number(process.env.VOIK_CHURN_SECONDS ?? 6);
const { PARTITIONS } = classic;
const MEMBERS = 50;
const MEMBERS_MIN = 25;
/** What a handover may take at the 99th percentile, besides what the clients' own settings ask for. */
const HANDOVER_MS = 3_000;
/** In this part of the time nobody dies. */
const PEACEFUL_PART = 0.6;

const PROTOCOLS = [
  {
    protocol: "classic",
    Member: classic.ClassicMember,
    patienceMs: classic.PATIENCE_MS,
    rebalanceMs: classic.REBALANCE_MS,
    mayDie: true,
  },
  // The broker gives up on a silent member after 45 seconds: too long for a short run.
  {
    protocol: "KIP-848",
    Member: modern.ModernMember,
    patienceMs: modern.PATIENCE_MS,
    rebalanceMs: 0, // nobody waits for the others
    mayDie: SECONDS >= 100,
  },
];

class Crowd {
  readonly live: ChurnMember[] = [];
  /** Whether members may be gone without a word. */
  mayDie = false;
  private count = 0;

  constructor(
    private readonly group: ChurnGroup,
    private readonly Member: (typeof PROTOCOLS)[number]["Member"],
    private readonly random: Random,
  ) {}

  join(): void {
    const member = new this.Member(`m${this.count++}`, this.group);
    this.live.push(member);
    // A member that fails is told of at once, not when it is next waited for.
    member.ended.catch((error) => this.group.ledger.broken.push(`${member.name}: ${error}`));
  }

  /**
   * One to eight members come, go or die. Who dies while the group still waits for others who died makes it wait for
   * as long again; so that handovers have a bound, they die together or not at all.
   */
  async churn(): Promise<void> {
    const count = randomBelow(this.random, 4) === 0 ? 1 + randomBelow(this.random, 8) : 1;
    const come = this.live.length < MEMBERS_MIN || randomBelow(this.random, 2) === 0;
    const die = randomBelow(this.random, 3) === 0 && this.mayDie && !this.group.ledger.waitsForDead;
    for (let i = 0; i < count; i++) {
      if (come && this.live.length < MEMBERS) this.join();
      else if (this.live.length > MEMBERS_MIN) await this.part(die);
    }
  }

  private async part(die: boolean): Promise<void> {
    const [member] = this.live.splice(randomBelow(this.random, this.live.length), 1);
    if (die) await member?.die();
    else void member?.leave();
  }

  get everJoined(): number {
    return this.count;
  }

  async end(): Promise<void> {
    await Promise.all(this.live.map((member) => member.leave()));
  }
}

/** Writes a batch to each partition, again and again, until it is told to stop; `sent`: how many records each got. */
class Feeder {
  readonly sent = Array.from({ length: PARTITIONS }, () => 0);
  private stopped = false;
  private readonly fed: Promise<void>;

  constructor(
    private readonly client: KafkaClient,
    private readonly topic: Topic,
  ) {
    this.fed = this.feed();
  }

  private async feed(): Promise<void> {
    while (!this.stopped) {
      const partitionData = this.sent.map((end, index) => ({
        index,
        records: batchOf([`${end}`, `${end + 1}`]),
      }));
      const topicData = [{ name: this.topic.name, topicId: this.topic.id, partitionData }];
      const { responses } = await this.client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData });
      for (const { index, errorCode, baseOffset } of responses[0]?.partitionResponses ?? []) {
        expect([errorCode, baseOffset]).toEqual([0, this.sent[index] as number]);
        this.sent[index] = baseOffset + 2;
      }
      await Bun.sleep(50);
    }
  }

  stop(): Promise<void> {
    this.stopped = true;
    return this.fed;
  }
}

function percentile(handovers: readonly Handover[], part: number): number {
  const sorted = handovers.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

test.each(PROTOCOLS)(
  "$protocol: members come and go, no partition is read by two, no record is skipped or read twice",
  async ({ protocol, Member, patienceMs, rebalanceMs, mayDie }) => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    await using voik = await VoikProcess.start();
    const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const topic = { name: "churned", id: await createTopic(client, "churned", PARTITIONS) };
    const ledger = new ChurnLedger(PARTITIONS, patienceMs);
    const group = { port: voik.kafkaPort, topic, groupId: "crowd", ledger };
    const crowd = new Crowd(group, Member, random);
    const feeder = new Feeder(client, topic);
    for (let i = 0; i < MEMBERS; i++) crowd.join();
    const startedMs = performance.now();
    const elapsed = () => (performance.now() - startedMs) / (SECONDS * 1_000);
    while (elapsed() < 1 && ledger.broken.length === 0) {
      crowd.mayDie = mayDie && elapsed() > PEACEFUL_PART;
      await Bun.sleep(50 + randomBelow(random, 600));
      await crowd.churn();
    }
    await feeder.stop();
    const lateMs = performance.now() + patienceMs + 30_000;
    const behind = () => feeder.sent.filter((end, partition) => ledger.ends[partition] !== end).length;
    while (behind() > 0 && performance.now() < lateMs && ledger.broken.length === 0) await Bun.sleep(20);
    expect(ledger.broken).toEqual([]);
    expect(ledger.ends).toEqual(feeder.sent);
    await crowd.end();

    const undisturbed = ledger.handovers.filter(({ waitedForDead }) => !waitedForDead);
    const records = feeder.sent.reduce((sum, end) => sum + end, 0);
    const [calm, all] = [percentile(undisturbed, 0.99), percentile(ledger.handovers, 0.99)];
    console.log(
      `${protocol}: ${crowd.everJoined} members, ${records} records once each; p99 of ${undisturbed.length} handovers ` +
        `${calm.toFixed(0)} ms, of ${ledger.handovers.length} with those that waited for the dead ${all.toFixed(0)} ms`,
    );
    expect(undisturbed.length).toBeGreaterThan(PARTITIONS / 4);
    expect(calm).toBeLessThan(HANDOVER_MS + HEARTBEAT_MS);
    // A new group waits for more members, as long as they let it (group.initial.rebalance.delay.ms of Kafka).
    expect(Math.max(...ledger.firstMs)).toBeLessThan(HANDOVER_MS + rebalanceMs);
    expect(all).toBeLessThan(HANDOVER_MS + HEARTBEAT_MS + patienceMs);
    expect(voik.stderr).not.toContain('"level":"error"');
    client.close();
    await voik.stop();
  },
  SECONDS * 1_000 + 120_000,
);
