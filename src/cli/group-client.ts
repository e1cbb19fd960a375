/** What the group commands ask of a running voik: groups, their members' shards, what they have committed, how far behind they are. */
import { KafkaError } from "../kafka/errors.ts";
import { OffsetCommit } from "../kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../kafka/messages/09-offset-fetch.ts";
import { DescribeGroups } from "../kafka/messages/15-describe-groups.ts";
import { ListGroups } from "../kafka/messages/16-list-groups.ts";
import { DeleteGroups } from "../kafka/messages/42-delete-groups.ts";
import { ConsumerGroupDescribe } from "../kafka/messages/69-consumer-group-describe.ts";
import { type BrokerClient, check, LATEST } from "./broker-client.ts";
import { CliError, EXIT } from "./exit.ts";

export interface GroupShard {
  stream: string;
  shard: number;
  /** Null where nothing is committed. */
  committed: number | null;
  end: number;
  /** Records behind what is committed; null where nothing is. */
  lag: number | null;
  /** Id of the member that reads it; null while nobody does. */
  member: string | null;
}

export interface GroupDescription {
  name: string;
  state: string;
  members: { id: string; client: string; host: string }[];
  shards: GroupShard[];
}

/** Names and states of all groups, by name. */
export async function listGroups({ kafka }: BrokerClient): Promise<{ name: string; state: string }[]> {
  const { errorCode, groups } = await kafka.request(ListGroups, { statesFilter: [], typesFilter: [] });
  check(errorCode, "listing groups");
  const named = groups.map(({ groupId, groupState }) => ({ name: groupId, state: groupState }));
  return named.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A group with its members and shards. Throws CliError when there is none of that name. */
export async function describeGroup(client: BrokerClient, name: string): Promise<GroupDescription> {
  const { kafka } = client;
  // An empty group is told of as a classic one. One that is joined between the two questions is found by asking again.
  const group =
    (await describeConsumers(client, name)) ??
    (await describeClassic(client, name)) ??
    (await describeConsumers(client, name));
  if (!group) throw new CliError(EXIT.failed, `there is no group ${name}: voik group list shows all`);
  const { state, members, owners } = group;
  const wanted = [{ groupId: name, topics: null }];
  const fetched = await kafka.request(OffsetFetch, { groupId: name, topics: null, groups: wanted });
  const committed = new Map<string, number>();
  for (const topic of fetched.groups[0]?.topics ?? []) {
    for (const { partitionIndex, committedOffset } of topic.partitions) {
      committed.set(keyOf(topic.name, partitionIndex), committedOffset);
    }
  }
  const shards: GroupShard[] = [];
  const streams = new Set([...committed.keys(), ...owners.keys()].map((key) => key.split("/")[0] as string));
  for (const stream of [...streams].sort()) {
    const known = (await client.streams([stream]))[0]?.shards ?? [];
    const ends = await client.offsets(stream, known, LATEST);
    for (const shard of known) {
      const key = keyOf(stream, shard);
      if (!committed.has(key) && !owners.has(key)) continue;
      const end = ends.get(shard) ?? 0;
      // kafkajs commits -2 for a group that is to begin anew.
      const offset = committed.get(key) ?? -1;
      const at = offset < 0 ? null : offset;
      const lag = at === null ? null : Math.max(0, end - at);
      shards.push({ stream, shard, committed: at, end, lag, member: owners.get(key) ?? null });
    }
  }
  return { name, state, members, shards };
}

/** What the two kinds of groups say of themselves; `owners`: who reads each shard. */
interface Described extends Pick<GroupDescription, "state" | "members"> {
  owners: ReadonlyMap<string, string>;
}

/** A group of KIP-848, while it has members. */
async function describeConsumers({ kafka }: BrokerClient, name: string): Promise<Described | undefined> {
  const asked = { groupIds: [name], includeAuthorizedOperations: false };
  const group = (await kafka.request(ConsumerGroupDescribe, asked)).groups[0];
  if (group?.errorCode !== KafkaError.none) return undefined;
  const owners = new Map<string, string>();
  for (const { memberId, assignment } of group.members) {
    for (const { topicName, partitions } of assignment.topicPartitions)
      for (const shard of partitions) owners.set(keyOf(topicName, shard), memberId);
  }
  return { state: group.groupState, members: group.members.map(memberOf), owners };
}

async function describeClassic({ kafka }: BrokerClient, name: string): Promise<Described | undefined> {
  const asked = { groups: [name], includeAuthorizedOperations: false };
  const group = (await kafka.request(DescribeGroups, asked)).groups[0];
  if (!group || group.groupState === "Dead") return undefined;
  const owners = new Map<string, string>();
  for (const { memberId, memberAssignment } of group.members) {
    for (const shard of assignedShards(memberAssignment)) owners.set(shard, memberId);
  }
  return { state: group.groupState, members: group.members.map(memberOf), owners };
}

function memberOf(member: { memberId: string; clientId: string; clientHost: string }) {
  return { id: member.memberId, client: member.clientId, host: member.clientHost.replace(/^\//, "") };
}

/** Commits offsets for a group that nobody is in. Throws CliError. */
export async function commitOffsets(
  { kafka }: BrokerClient,
  name: string,
  stream: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const partitions = [...offsets].map(([partitionIndex, committedOffset]) => {
    return { partitionIndex, committedOffset, committedMetadata: "" };
  });
  const request = { groupId: name, memberId: "", topics: [{ name: stream, partitions }] };
  const { topics } = await kafka.request(OffsetCommit, request);
  for (const { errorCode, partitionIndex } of topics[0]?.partitions ?? []) {
    if (errorCode === KafkaError.unknownMemberId) throw new CliError(EXIT.failed, hasMembers(name));
    check(errorCode, `shard ${partitionIndex} of ${stream}`);
  }
}

/** Forgets a group and its offsets. Throws CliError. */
export async function deleteGroup({ kafka }: BrokerClient, name: string): Promise<void> {
  const { results } = await kafka.request(DeleteGroups, { groupsNames: [name] });
  const errorCode = results[0]?.errorCode ?? KafkaError.none;
  if (errorCode === KafkaError.nonEmptyGroup) throw new CliError(EXIT.failed, hasMembers(name));
  if (errorCode === KafkaError.groupIdNotFound) throw new CliError(EXIT.failed, `there is no group ${name}`);
  check(errorCode, `deleting ${name}`);
}

const hasMembers = (name: string): string =>
  `group ${name} has members: stop its consumers first (voik group describe ${name} names them)`;

// A stream's name has no slash.
const keyOf = (stream: string, shard: number): string => `${stream}/${shard}`;

/** Reads ConsumerProtocolAssignment: `version i16 | [ topic string, [ partition i32 ] ] | …`; other protocols give nothing. */
function assignedShards(bytes: Buffer): string[] {
  const shards: string[] = [];
  try {
    let at = 6;
    for (let topics = bytes.readInt32BE(2); topics > 0; topics--) {
      const nameEnd = at + 2 + bytes.readInt16BE(at);
      const name = bytes.toString("utf8", at + 2, nameEnd);
      const count = bytes.readInt32BE(nameEnd);
      for (let i = 0; i < count; i++) shards.push(keyOf(name, bytes.readInt32BE(nameEnd + 4 + i * 4)));
      at = nameEnd + 4 + count * 4;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return shards;
}
