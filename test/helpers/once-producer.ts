/**
 * An idempotent producer of one partition that survives its broker: five batches in flight, each of one record that
 * says its own sequence, so that the offset of each is its sequence, however often it was sent.
 */
import { expect } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { readPartition } from "./kafka-records.ts";
import { batchOf } from "./log.ts";
import { ofProducer } from "./producers.ts";

const IN_FLIGHT = 5;

export class OnceProducer {
  /** The first sequence without an answer. */
  acked = 0;
  /** The one behind the last that was sent. */
  sent = 0;
  /** From now on batches may be refused. */
  powerIsOff = false;

  constructor(
    private readonly topic: { name: string; id: string },
    private readonly producerId: number,
    private readonly partition: number,
  ) {}

  /** Sends again what has no answer, then goes on until the connection ends, or the power and with it the disk. */
  async run(client: KafkaClient): Promise<void> {
    let next = this.acked;
    const worker = async () => {
      for (;;) {
        const sequence = next++;
        this.sent = Math.max(this.sent, next);
        const offset = await this.send(client, sequence).catch(() => undefined);
        if (offset === undefined || (offset < 0 && this.powerIsOff)) return;
        expect(offset).toBe(sequence);
        this.acked = Math.max(this.acked, sequence + 1);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  }

  /** Sends its last five batches once more, answered or not: each gets the offset that it has, or would have had. */
  async resend(client: KafkaClient): Promise<void> {
    for (let sequence = Math.max(0, this.sent - IN_FLIGHT); sequence < this.sent; sequence++)
      expect(await this.send(client, sequence)).toBe(sequence);
    this.acked = this.sent;
  }

  /** Every record is there once, in order. */
  async check(client: KafkaClient): Promise<void> {
    const read = await readPartition(client, this.topic, this.partition);
    expect(read.map(({ value }) => String(value))).toEqual(
      Array.from({ length: this.sent }, (_, sequence) => `${this.partition}/${sequence}`),
    );
  }

  /** Resolves to the batch's offset, or to an error code below 0. */
  private async send(client: KafkaClient, sequence: number): Promise<number> {
    const records = ofProducer(batchOf([`${this.partition}/${sequence}`]), this.producerId, 0, sequence);
    const topicData = [
      { name: this.topic.name, topicId: this.topic.id, partitionData: [{ index: this.partition, records }] },
    ];
    const reply = await client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData });
    const result = reply.responses[0]?.partitionResponses[0];
    if (result?.errorCode !== 0) return -(result?.errorCode ?? 1);
    return result.baseOffset;
  }
}
