/** kafkajs as a program that takes the words of ../client.ts. */
import {
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
  Partitioners,
  type ProducerConfig,
} from "kafkajs";
import { broker, ca, first, inputValues, onLeave, password, print, second, user, verb } from "./program.ts";

const CODECS: Record<string, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};
const RETENTION = "retention.ms";

const kafka = new Kafka({
  brokers: [broker],
  logLevel: logLevel.NOTHING,
  ...(ca !== undefined && { ssl: { ca: [ca] } }),
  ...(user !== undefined && {
    sasl: { mechanism: "scram-sha-512", username: user, password: password ?? "" },
  }),
});

async function produce(settings: ProducerConfig, compression = CompressionTypes.None): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...settings });
  await producer.connect();
  const messages = (await inputValues()).map((value) => ({ key: value, value }));
  await producer.send({ topic: first, acks: -1, compression, messages });
  await producer.disconnect();
}

async function transact(end: "commit" | "abort"): Promise<void> {
  const producer = kafka.producer({ transactionalId: second, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: first, messages: (await inputValues()).map((value) => ({ value })) });
  await transaction[end]();
  await producer.disconnect();
}

async function member(): Promise<void> {
  const consumer = kafka.consumer({
    groupId: first,
    sessionTimeout: 6_000,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 300,
  });
  onLeave(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic: second, fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => print(String(message.value)),
  });
}

async function administer(): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const resource = { type: ConfigResourceTypes.TOPIC, name: first };
  if (verb === "create") {
    await admin.createTopics({ topics: [{ topic: first, numPartitions: Number(second) }] });
  } else if (verb === "delete") {
    await admin.deleteTopics({ topics: [first] });
  } else if (verb === "alter") {
    const configEntries = [{ name: RETENTION, value: second }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
  } else {
    const { topics } = await admin.fetchTopicMetadata({ topics: [first] });
    print(`partitions ${topics[0]?.partitions.length}`);
    const resources = [{ ...resource, configNames: [RETENTION] }];
    const described = await admin.describeConfigs({ includeSynonyms: false, resources });
    print(`${RETENTION} ${described.resources[0]?.configEntries[0]?.configValue}`);
  }
  await admin.disconnect();
}

if (verb === "produce") await produce({}, CODECS[second]);
else if (verb === "idempotent") await produce({ idempotent: true });
else if (verb === "commit" || verb === "abort") await transact(verb);
else if (verb === "member") await member();
else await administer();
