/** What `voik group describe` makes of answers that change while it asks: a stand-in for the broker gives them. */
import { expect, test } from "bun:test";
import type { BrokerClient } from "../../src/cli/broker-client.ts";
import { describeGroup } from "../../src/cli/group-client.ts";
import { KafkaError } from "../../src/kafka/errors.ts";

const MISSING = { errorCode: KafkaError.groupIdNotFound, groupState: "Dead", members: [] };
const JOINED = { errorCode: KafkaError.none, groupState: "Stable", members: [] };

/** Answers the first questions for a group with `described`, in this order, and knows no offsets. */
function brokerThatSays(...described: object[]): BrokerClient {
  const request = async ({ name }: { name: string }) =>
    name.endsWith("Describe") || name === "DescribeGroups"
      ? { groups: [described.shift() ?? MISSING] }
      : { groups: [] };
  return { kafka: { request } } as unknown as BrokerClient;
}

test("a group that the first member joins between two questions is found", async () => {
  const joining = brokerThatSays(MISSING, MISSING, JOINED);
  expect(await describeGroup(joining, "g")).toMatchObject({ name: "g", state: "Stable", shards: [] });
});

test("a group that nobody knows is not there", async () => {
  await expect(describeGroup(brokerThatSays(), "g")).rejects.toThrow("there is no group g");
});
