/** The partitioner against hashes that Kafka's own tests and kafkajs' independent implementation give. */
import { expect, test } from "bun:test";
import { Partitioners } from "kafkajs";
import { seededRandom } from "../../src/base/random.ts";
import { murmur2, partitionOf } from "../../src/cli/partitioner.ts";

test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("murmur2 of %s is what Kafka's UtilsTest says", (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test("keys of every length land where kafkajs puts them", () => {
  const seed = 20261123;
  const random = seededRandom(seed);
  const partition = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  for (let length = 1; length < 200; length++) {
    const key = random.bytes(length);
    const theirs = partition({ topic: "t", partitionMetadata, message: { key, value: null } });
    expect([length, partitionOf(key, 7)]).toEqual([length, theirs]);
  }
});
