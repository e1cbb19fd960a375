/**
 * What changes names on the disk, one story each: segments that roll, a journal that comes to be, streams that are made,
 * grow and go, records that are trimmed or outlive their retention. A story prepares, does its one thing until it is told
 * to end or the broker is gone, and then says of a broker on the same folder what is wrong there.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { DeleteRecords } from "../../src/kafka/messages/21-delete-records.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { CreatePartitions } from "../../src/kafka/messages/37-create-partitions.ts";
import type { StoryName } from "./failpoints.ts";
import { History } from "./history.ts";
import { offsetsOf, produceBatch, readPartition, topicId } from "./kafka-records.ts";
import type { Load } from "./load.ts";
import { breachesOf, loadUntil, makeTopic, withKafka } from "./plug.ts";
import { batchOf } from "./shard-copies.ts";
import { topicsOf, wrongFolders } from "./topic-folders.ts";
import type { VoikProcess } from "./voik-process.ts";

export interface Story {
  prepare(voik: VoikProcess): Promise<void>;
  /** Ends, quietly, when it is done or the broker is gone, but not before `until` if it can go on for long. */
  run(voik: VoikProcess, until: Promise<void>): Promise<void>;
  breaches(voik: VoikProcess): Promise<string[]>;
}

/** One batch in three begins a new segment of a topic under load, one in six of the others. */
export const STORY_ARGS = ["--segment-bytes", "64KiB"];
const VALUE_BYTES = 10_000;
const BATCHES = 40;
const TRIM_TO = 30;
const NAME = "told";

export function storyOf(name: StoryName, seed: number): Story {
  switch (name) {
    case "rolls":
      return new LoadStory(4, seed);
    case "journal":
      return new LoadStory(16, seed);
    case "create":
      return new CreateStory();
    case "grow":
      return new GrowStory();
    case "delete":
      return new DeleteStory();
    case "trim":
      return new TrimStory();
    case "retention":
      return new RetentionStory();
  }
}

/** Both protocols write to some partitions; with 16 of them the journal comes into use. */
class LoadStory implements Story {
  private load!: Load;

  constructor(
    private readonly partitions: number,
    private readonly seed: number,
  ) {}

  async prepare(voik: VoikProcess): Promise<void> {
    const { partitions } = this;
    const topic = await makeTopic(voik, NAME, partitions);
    this.load = { history: new History(), topic, partitions, stopped: false, failing: true };
  }

  run(voik: VoikProcess, until: Promise<void>): Promise<void> {
    return loadUntil(voik, this.load, this.seed, async () => {
      await until.finally(() => (this.load.stopped = true));
    });
  }

  breaches(voik: VoikProcess): Promise<string[]> {
    return breachesOf(voik, this.load);
  }
}

/** What the stories of one request have in common: whether it was answered. */
abstract class RequestStory implements Story {
  protected answered = false;

  abstract prepare(voik: VoikProcess): Promise<void>;
  abstract breaches(voik: VoikProcess): Promise<string[]>;
  /** Sends it; resolves to the error code of the answer. */
  protected abstract request(client: KafkaClient): Promise<number | undefined>;

  async run(voik: VoikProcess, until: Promise<void>): Promise<void> {
    const code = await withKafka(voik, (client) => this.request(client)).catch(() => undefined); // it is gone
    if (code !== undefined && code !== 0) throw new Error(`refused with ${code}`);
    this.answered = code === 0;
    await until;
  }
}

class CreateStory extends RequestStory {
  override async prepare(): Promise<void> {}

  /** Answered for good once a record in it is. */
  protected override async request(client: KafkaClient): Promise<number | undefined> {
    const code = await makeWith(client, 2, {});
    await produceBatch(client, { name: NAME, id: await topicId(client, NAME) }, 0, batchOf(valueAt(0)));
    return code;
  }

  override async breaches(voik: VoikProcess): Promise<string[]> {
    const topics = await topicsOf(voik);
    const wrong = wrongFolders(voik, topics);
    if (this.answered && topics.size === 0) wrong.push("lost: a topic whose creation was answered");
    for (const [name, id] of topics) {
      const count = await produceAndRead(voik, { name, id });
      if (count !== 2 && (this.answered || count !== 1))
        wrong.push(`lost: ${count} records, one of them new`);
    }
    return wrong;
  }
}

class GrowStory extends RequestStory {
  override async prepare(voik: VoikProcess): Promise<void> {
    await makeTopic(voik, NAME, 1);
  }

  protected override async request(client: KafkaClient): Promise<number | undefined> {
    const topics = [{ name: NAME, count: 2, assignments: null }];
    const { results } = await client.request(CreatePartitions, {
      topics,
      timeoutMs: 10_000,
      validateOnly: false,
    });
    return results[0]?.errorCode;
  }

  override async breaches(voik: VoikProcess): Promise<string[]> {
    const wrong = wrongFolders(voik, await topicsOf(voik));
    const partitions = await withKafka(voik, async (client) => {
      const wanted = { topics: [{ name: NAME }], allowAutoTopicCreation: false };
      return (await client.request(Metadata, wanted)).topics[0]?.partitions.length ?? 0;
    });
    if (partitions !== 2 && (this.answered || partitions !== 1)) wrong.push(`lost: ${partitions} partitions`);
    const id = await withKafka(voik, (client) => topicId(client, NAME));
    for (let partition = 0; partition < partitions; partition++)
      if ((await produceAndRead(voik, { name: NAME, id }, partition)) !== 1) wrong.push("it is not empty");
    return wrong;
  }
}

class DeleteStory extends RequestStory {
  private topic!: { name: string; id: string };

  override async prepare(voik: VoikProcess): Promise<void> {
    this.topic = await makeTopic(voik, NAME, 2);
    await withKafka(voik, (client) => produceSome(client, this.topic));
  }

  protected override async request(client: KafkaClient): Promise<number | undefined> {
    const wanted = { topics: [{ name: NAME }], topicNames: [NAME], timeoutMs: 10_000 };
    return (await client.request(DeleteTopics, wanted)).responses[0]?.errorCode;
  }

  override async breaches(voik: VoikProcess): Promise<string[]> {
    const topics = await topicsOf(voik);
    const wrong = wrongFolders(voik, topics);
    if (topics.size === 0) return wrong;
    if (this.answered) wrong.push("revived: a topic whose deletion was answered");
    return [...wrong, ...(await wrongRecords(voik, this.topic, { start: 0 }))];
  }
}

class TrimStory extends RequestStory {
  private topic!: { name: string; id: string };

  override async prepare(voik: VoikProcess): Promise<void> {
    this.topic = await makeTopic(voik, NAME, 1);
    await withKafka(voik, (client) => produceSome(client, this.topic));
  }

  protected override async request(client: KafkaClient): Promise<number | undefined> {
    const partitions = [{ partitionIndex: 0, offset: TRIM_TO }];
    const { topics } = await client.request(DeleteRecords, {
      topics: [{ name: NAME, partitions }],
      timeoutMs: 10_000,
    });
    return topics[0]?.partitions[0]?.errorCode;
  }

  override async breaches(voik: VoikProcess): Promise<string[]> {
    const [start = -1] = await withKafka(voik, (client) => offsetsOf(client, NAME, 0));
    const wrong = await wrongRecords(voik, this.topic, { start });
    if (start !== TRIM_TO && (this.answered || start !== 0)) wrong.push(`revived: it starts at ${start}`);
    const segments = segmentsOf(voik, this.topic);
    if (this.answered && (segments[1] ?? Infinity) <= TRIM_TO)
      wrong.push(`revived: segments ${segments.join(", ")} though all before ${TRIM_TO} were deleted`);
    return wrong;
  }
}

class RetentionStory implements Story {
  private topic!: { name: string; id: string };

  async prepare(voik: VoikProcess): Promise<void> {
    const configs = { "retention.bytes": "100000" };
    this.topic = await withKafka(voik, async (client) => {
      await makeWith(client, 1, configs);
      return { name: NAME, id: await topicId(client, NAME) };
    });
    await withKafka(voik, (client) => produceSome(client, this.topic));
  }

  run(_: VoikProcess, until: Promise<void>): Promise<void> {
    return until;
  }

  async breaches(voik: VoikProcess): Promise<string[]> {
    const [start = -1] = await withKafka(voik, (client) => offsetsOf(client, NAME, 0));
    const wrong = await wrongRecords(voik, this.topic, { start });
    if (start !== segmentsOf(voik, this.topic)[0])
      wrong.push(`it starts at ${start}, and not with a segment`);
    return wrong;
  }
}

async function makeWith(
  client: KafkaClient,
  numPartitions: number,
  configs: Record<string, string>,
): Promise<number | undefined> {
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const { topics } = await client.request(CreateTopics, {
    topics: [{ name: NAME, numPartitions, replicationFactor: 1, assignments: [], configs: entries }],
    timeoutMs: 10_000,
  });
  return topics[0]?.errorCode;
}

/** Fills partition 0 with batches of one record; each is acked. */
async function produceSome(client: KafkaClient, topic: { name: string; id: string }): Promise<void> {
  for (let offset = 0; offset < BATCHES; offset++)
    await produceBatch(client, topic, 0, batchOf(valueAt(offset)));
}

function valueAt(offset: number): Buffer {
  return Buffer.alloc(VALUE_BYTES, `record ${offset} `);
}

/** What is wrong with records that `produceSome` wrote, from `start` on; nothing of them lies half deleted. */
async function wrongRecords(
  voik: VoikProcess,
  topic: { name: string; id: string },
  { start }: { start: number },
): Promise<string[]> {
  const records = await withKafka(voik, (client) => readPartition(client, topic, 0));
  const wrong: string[] = [];
  if (records.length !== BATCHES - start) wrong.push(`lost: ${records.length} of ${BATCHES - start} records`);
  for (const [i, { offset, value }] of records.entries())
    if (offset !== start + i || !value?.equals(valueAt(offset))) wrong.push(`changed: offset ${offset}`);
  const half = readdirSync(shardFolder(voik, topic)).filter((name) => name.endsWith(".deleted"));
  return [...wrong, ...half.map((name) => `half deleted: ${name}`)];
}

/** Appends a record, and counts all that are there. */
async function produceAndRead(
  voik: VoikProcess,
  topic: { name: string; id: string },
  partition = 0,
): Promise<number> {
  return withKafka(voik, async (client) => {
    await produceBatch(client, topic, partition, batchOf(valueAt(0)));
    return (await readPartition(client, topic, partition)).length;
  });
}

function shardFolder(voik: VoikProcess, { id }: { id: string }): string {
  return join(voik.folder, "streams", id, "0");
}

/** Base offsets of partition 0's segments, ascending. */
function segmentsOf(voik: VoikProcess, topic: { id: string }): number[] {
  const names = readdirSync(shardFolder(voik, topic)).filter((name) => /^\d{20}\.log$/.test(name));
  return names.map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b);
}
