/** @platformatic/kafka as a program that takes the words of ../client.ts. */
import {
  Admin,
  type CompressionAlgorithmValue,
  ConfigResourceTypes,
  Consumer,
  FetchIsolationLevels,
  IncrementalAlterConfigOperationTypes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { broker, ca, first, inputValues, onLeave, password, print, second, user, verb } from "./program.ts";

const RETENTION = "retention.ms";
/** Without it 2.12 says that it was producer 0 before, and whoever takes over a transactional id is fenced. */
const NEW_EPOCH = { producerId: -1n, producerEpoch: -1 };
const base = {
  clientId: "compat",
  autocreateTopics: true,
  bootstrapBrokers: [broker],
  ...(ca !== undefined && { tls: { ca } }),
  ...(user !== undefined && {
    sasl: { mechanism: "SCRAM-SHA-512" as const, username: user, password: password ?? "" },
  }),
};

const messagesOf = (values: string[]) => values.map((value) => ({ topic: first, key: value, value }));

async function produce(compression: CompressionAlgorithmValue, idempotent: boolean): Promise<void> {
  const producer = new Producer({ ...base, serializers: stringSerializers, idempotent });
  await producer.send({ messages: messagesOf(await inputValues()), compression, acks: -1 });
  await producer.close();
}

async function transact(end: "commit" | "abort"): Promise<void> {
  const settings = { ...base, serializers: stringSerializers, idempotent: true, transactionalId: second };
  const producer = new Producer(settings);
  const transaction = await producer.beginTransaction(NEW_EPOCH);
  await transaction.send({ messages: messagesOf(await inputValues()) });
  await transaction[end]();
  await producer.close();
}

async function member(): Promise<void> {
  const consumer = new Consumer({
    ...base,
    groupId: first,
    deserializers: stringDeserializers,
    sessionTimeout: 6_000,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 300,
    isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    maxWaitTime: 500,
  });
  onLeave(() => consumer.close(true));
  const stream = await consumer.consume({
    topics: [second],
    autocommit: false,
    mode: "committed",
    fallbackMode: "earliest",
  });
  for await (const message of stream) {
    print(message.value);
    await message.commit();
  }
}

async function administer(): Promise<void> {
  const admin = new Admin(base);
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: first };
  if (verb === "create") {
    await admin.createTopics({ topics: [first], partitions: Number(second), replicas: 1 });
  } else if (verb === "delete") {
    await admin.deleteTopics({ topics: [first] });
  } else if (verb === "alter") {
    const { SET } = IncrementalAlterConfigOperationTypes;
    const configs = [{ name: RETENTION, value: second, configOperation: SET }];
    await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] });
  } else {
    const metadata = await admin.metadata({ topics: [first] });
    print(`partitions ${metadata.topics.get(first)?.partitionsCount}`);
    const described = await admin.describeConfigs({
      resources: [{ ...resource, configurationKeys: [RETENTION] }],
    });
    print(`${RETENTION} ${described[0]?.configs[0]?.value}`);
  }
  await admin.close();
}

if (verb === "produce") await produce(second as CompressionAlgorithmValue, false);
else if (verb === "idempotent") await produce("none", true);
else if (verb === "commit" || verb === "abort") await transact(verb);
else if (verb === "member") await member();
else await administer();
