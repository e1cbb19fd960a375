/** Kafka's words for what a group is doing, and the reading of what its members subscribe to. */
import { CONSUMER_PROTOCOL, type ConsumerGroup, isSettled } from "../groups/consumer-group.ts";
import type { Group, Phase } from "../groups/group.ts";
import { metadataOf } from "../groups/group.ts";

export const GROUP_STATE: Record<Phase, string> = {
  empty: "Empty",
  joining: "PreparingRebalance",
  syncing: "CompletingRebalance",
  stable: "Stable",
};
/** Of a group that is not there. */
export const DEAD = "Dead";
/** Kafka's words for the kinds of groups; the second is KIP-848's. */
export const GROUP_TYPE = { classic: "classic", consumer: "consumer" } as const;

/** Kafka's word for what a group of KIP-848 is doing. */
export function consumerGroupState(group: ConsumerGroup): string {
  for (const member of group.members.values()) if (!isSettled(group, member)) return "Reconciling";
  return group.members.size === 0 ? GROUP_STATE.empty : GROUP_STATE.stable;
}

/**
 * The topics that the members of a consumer group subscribe to; undefined when they can't be told, because a member
 * speaks another protocol or has not been through a rebalance.
 */
export function subscribedTopics(group: Group): Set<string> | undefined {
  if (group.protocolType !== CONSUMER_PROTOCOL) return undefined;
  const topics = new Set<string>();
  for (const member of group.members.values()) {
    const metadata = metadataOf(member, group.protocolName ?? member.protocols[0]?.name ?? null);
    if (!readSubscription(metadata, topics)) return undefined;
  }
  return topics;
}

/** Reads `version i16 | topics [string] | …`, ConsumerProtocolSubscription, as far as that; false when it is not one. */
function readSubscription(metadata: Buffer, into: Set<string>): boolean {
  if (metadata.length < 6) return false;
  const count = metadata.readInt32BE(2);
  let at = 6;
  for (let i = 0; i < count; i++) {
    if (at + 2 > metadata.length) return false;
    const bytes = metadata.readInt16BE(at);
    if (bytes < 0 || at + 2 + bytes > metadata.length) return false;
    into.add(metadata.toString("utf8", at + 2, at + 2 + bytes));
    at += 2 + bytes;
  }
  return true;
}
