/** A Kinesis server and AWS's own client for JavaScript, and what tests of operations ask again and again. */
import { KinesisClient, KinesisServiceException, PutRecordCommand } from "@aws-sdk/client-kinesis";
import type { KinesisServerOptions } from "../../src/kinesis/server.ts";
import { KinesisHarness, ManualClock } from "./kinesis-harness.ts";

export const ACCOUNT = "111122223333";

export interface SdkHarness {
  clock: ManualClock;
  harness: KinesisHarness;
  client: KinesisClient;
  arn(stream: string): string;
  /** Type and message of the error that `answer` fails with. */
  errorOf(answer: Promise<unknown>): Promise<string>;
  put(stream: string, key: string, data?: string): Promise<string>;
  close(): Promise<void>;
}

export async function startSdkHarness(options: Partial<KinesisServerOptions> = {}): Promise<SdkHarness> {
  const clock = new ManualClock();
  const harness = await KinesisHarness.start({ clock, ...options });
  const client = new KinesisClient({
    endpoint: harness.url,
    region: "eu-west-1",
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: "secret" },
    maxAttempts: 1,
  });
  return {
    clock,
    harness,
    client,
    arn: (stream) => `arn:aws:kinesis:eu-west-1:${ACCOUNT}:stream/${stream}`,
    async errorOf(answer) {
      try {
        await answer;
      } catch (error) {
        if (error instanceof KinesisServiceException) return `${error.name}: ${error.message}`;
        throw error;
      }
      return "no error";
    },
    async put(StreamName, PartitionKey, data = PartitionKey) {
      const record = new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(data) });
      return (await client.send(record)).SequenceNumber ?? "";
    },
    async close() {
      client.destroy();
      await harness.stop();
    },
  };
}
