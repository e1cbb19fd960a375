/** How much memory the executable takes for requests of a megabyte, of which many arrive at once. */
import { expect, test } from "bun:test";
import { BrokerClient } from "../../src/cli/broker-client.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { batchOf } from "../helpers/log.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const TOPIC = "large";
const CONNECTIONS = 8;
/** Of each connection: as many as Kafka's producers have on their way, and how often in all. */
const IN_FLIGHT = 5;
const REQUESTS = 60;
/** 86 MB at the peak when this was written; 165 MB when dead chunks of requests waited to be collected. */
const PEAK_BYTES_MAX = 125e6;

test("requests of 1 MiB from eight connections, five in flight each, leave no dead memory behind", async () => {
  await using voik = await VoikProcess.start();
  await BrokerClient.use(voik.addresses.kafka, (client) => client.create(TOPIC, CONNECTIONS, {}));
  const records = batchOf(Array.from({ length: 1_000 }, (_, i) => String(i).padEnd(1_000, "x")));

  const produce = async (index: number) => {
    const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const topicData = [{ name: TOPIC, partitionData: [{ index, records }] }];
    let left = REQUESTS;
    const sender = async () => {
      while (left-- > 0) {
        const { responses } = await client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData }, 9);
        expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => produce(index)));

  console.log(`peak ${(voik.peakResidentBytes() / 1e6).toFixed(0)} MB`);
  expect(voik.peakResidentBytes()).toBeLessThan(PEAK_BYTES_MAX);
}, 60_000);
