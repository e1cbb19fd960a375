/** What `voik group describe` makes of answers that change while it asks: a stand-in for the broker gives them. */
import { expect, test } from "bun:test";
import type { BrokerClient } from "../../src/cli/broker-client.ts";
import { describeGroup } from "../../src/cli/group-client.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { KafkaError } from "../../src/kafka/errors.ts";

const MISSING = { errorCode: KafkaError.groupIdNotFound, groupState: "Dead", members: [] };
const JOINED = { errorCode: KafkaError.none, groupState: "Stable", members: [] };

/** Answers the first questions for a group with `described`, in this order, and knows what it has committed to a stream s. */
function brokerThatSays(described: object[], ...committed: number[]): BrokerClient {
  const partitions = committed.map((committedOffset, partitionIndex) => ({
    partitionIndex,
    committedOffset,
  }));
  const offsets = { groups: [{ topics: committed.length > 0 ? [{ name: "s", partitions }] : [] }] };
  const request = async ({ name }: { name: string }) =>
    name === OffsetFetch.name ? offsets : { groups: [described.shift() ?? MISSING] };
  const shards = [...committed.keys()];
  return {
    kafka: { request },
    streams: async () => [{ shards }],
    offsets: async () => new Map(shards.map((shard) => [shard, 10])),
  } as unknown as BrokerClient;
}

test("a group that the first member joins between two questions is found", async () => {
  const joining = brokerThatSays([MISSING, MISSING, JOINED]);
  expect(await describeGroup(joining, "g")).toMatchObject({ name: "g", state: "Stable", shards: [] });
});

test("a group that nobody knows is not there", async () => {
  await expect(describeGroup(brokerThatSays([]), "g")).rejects.toThrow("there is no group g");
});

test("an offset below zero, which kafkajs commits for the earliest, is none: there is no lag to tell", async () => {
  const { shards } = await describeGroup(brokerThatSays([JOINED], 4, -2), "g");
  expect(shards.map(({ committed, lag }) => [committed, lag])).toEqual([
    [4, 6],
    [null, null],
  ]);
});
