/**
 * Who reads which partition, decided by the broker (KIP-848): pure functions from members, their topics and what they
 * had before to what each should have.
 *
 *   range     topic by topic, neighbouring partitions to each member, in the order of the members' names
 *   uniform   as many partitions to each as to any other, and as few as possible change hands
 */
import { partitionKey, type Partitions } from "./partitions.ts";

export interface AssignedMember {
  readonly id: string;
  readonly instanceId: string | null;
  /** Names of topics, each once. */
  readonly topics: readonly string[];
}

/** A topic that exists, by its name. */
export type Topics = ReadonlyMap<string, { readonly streamId: string; readonly shards: readonly number[] }>;

export type Assignment = Map<string, Set<string>>;

export type Assignor = (
  members: readonly AssignedMember[],
  topics: Topics,
  previous: ReadonlyMap<string, Partitions>,
) => Assignment;

export const ASSIGNORS: Readonly<Record<"range" | "uniform", Assignor>> = { range, uniform };
export type AssignorName = keyof typeof ASSIGNORS;
export const DEFAULT_ASSIGNOR: AssignorName = "uniform";

export function isAssignor(name: string): name is AssignorName {
  return Object.hasOwn(ASSIGNORS, name);
}

function range(members: readonly AssignedMember[], topics: Topics): Assignment {
  const assignment: Assignment = new Map(members.map(({ id }) => [id, new Set()]));
  for (const [name, subscribers] of subscribersOf(members, topics)) {
    const { streamId, shards } = topics.get(name) as NonNullable<ReturnType<Topics["get"]>>;
    const each = Math.floor(shards.length / subscribers.length);
    const more = shards.length % subscribers.length;
    let next = 0;
    subscribers.forEach(({ id }, place) => {
      const end = next + each + (place < more ? 1 : 0);
      for (; next < end; next++) assignment.get(id)?.add(partitionKey(streamId, shards[next] as number));
    });
  }
  return assignment;
}

function uniform(
  members: readonly AssignedMember[],
  topics: Topics,
  previous: ReadonlyMap<string, Partitions>,
): Assignment {
  const subscribers = subscribersOf(members, topics);
  const assignment: Assignment = new Map(members.map(({ id }) => [id, new Set()]));
  const readersOf = new Map<string, readonly AssignedMember[]>();
  for (const [name, readers] of subscribers) {
    const { streamId, shards } = topics.get(name) as NonNullable<ReturnType<Topics["get"]>>;
    for (const shard of shards) readersOf.set(partitionKey(streamId, shard), readers);
  }
  const ownerOf = new Map<string, string>();
  for (const { id } of members) {
    for (const key of previous.get(id) ?? []) {
      if (ownerOf.has(key) || !readersOf.get(key)?.some((reader) => reader.id === id)) continue;
      ownerOf.set(key, id);
      assignment.get(id)?.add(key);
    }
  }
  const equal = [...subscribers.values()].every((readers) => readers.length === members.length);
  if (equal) shareEqually(assignment, [...readersOf.keys()], ownerOf);
  else shareByLoad(assignment, readersOf, ownerOf);
  return assignment;
}

/** All members may have all partitions: each gets the same number, or one more than others. */
function shareEqually(assignment: Assignment, all: readonly string[], ownerOf: Map<string, string>): void {
  if (assignment.size === 0) return;
  const least = Math.floor(all.length / assignment.size);
  let more = all.length % assignment.size;
  // Who has most keeps one more, so that fewer change hands.
  const byLoad = [...assignment.values()].sort((a, b) => b.size - a.size);
  const quotas = byLoad.map(() => least + (more-- > 0 ? 1 : 0));
  byLoad.forEach((owned, place) => {
    for (const key of [...owned].slice(quotas[place])) {
      owned.delete(key);
      ownerOf.delete(key);
    }
  });
  const free = all.filter((key) => !ownerOf.has(key));
  byLoad.forEach((owned, place) => {
    while (owned.size < (quotas[place] as number)) owned.add(free.pop() as string);
  });
}

/** Members have different topics: the least loaded that may gets the next, then loads are evened out where they can be. */
function shareByLoad(
  assignment: Assignment,
  readersOf: ReadonlyMap<string, readonly AssignedMember[]>,
  ownerOf: Map<string, string>,
): void {
  const loadOf = (id: string) => (assignment.get(id) as Set<string>).size;
  const give = (key: string, to: string) => {
    assignment.get(ownerOf.get(key) ?? "")?.delete(key);
    assignment.get(to)?.add(key);
    ownerOf.set(key, to);
  };
  const leastLoaded = (key: string) => {
    let least: string | undefined;
    for (const { id } of readersOf.get(key) ?? []) {
      if (least === undefined || loadOf(id) < loadOf(least)) least = id;
    }
    return least;
  };
  const hardestFirst = [...readersOf].sort(([, a], [, b]) => a.length - b.length).map(([key]) => key);
  for (const key of hardestFirst) {
    const to = ownerOf.has(key) ? undefined : leastLoaded(key);
    if (to !== undefined) give(key, to);
  }
  // Each move evens out two loads, so this ends; the bound is for the eye.
  for (let moved = true, round = 0; moved && round < ROUNDS_MAX; round++) {
    moved = false;
    for (const key of hardestFirst) {
      const to = leastLoaded(key);
      if (to === undefined || loadOf(ownerOf.get(key) as string) - loadOf(to) < 2) continue;
      give(key, to);
      moved = true;
    }
  }
}

const ROUNDS_MAX = 100;

/** The members of each topic that exists and has some, in the order of their names. */
function subscribersOf(members: readonly AssignedMember[], topics: Topics): Map<string, AssignedMember[]> {
  const nameOf = ({ id, instanceId }: AssignedMember) => instanceId ?? id;
  const sorted = [...members].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const subscribers = new Map<string, AssignedMember[]>();
  for (const member of sorted) {
    for (const name of member.topics) {
      if (!topics.has(name)) continue;
      const others = subscribers.get(name);
      if (others) others.push(member);
      else subscribers.set(name, [member]);
    }
  }
  return subscribers;
}
