/** The rows of the matrix: what each client is asked to do, and how the broker is seen to have understood it. */
import { expect } from "bun:test";
import { compressionNumber } from "../../../src/log/compression.ts";
import { readPartition, topicId } from "../../helpers/kafka-records.ts";
import { TransactionalProducer } from "../../helpers/transactional-producer.ts";
import { CODECS, type CompatClient, type Feature, Member, tell } from "./client.ts";
import { until, type World } from "./world.ts";

/** Members give this as their session timeout: who is gone without a word is missed after it, not before. */
const SESSION_MS = 6_000;

/** A name for a client's topics and groups. */
const named = (client: CompatClient, what: string): string => `${client.name.replace(/\W+/g, "-")}-${what}`;

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
const sorted = (values: readonly string[]): string[] => [...values].sort();
const errorsOf = (members: readonly Member[]): string => members.map(({ errors }) => errors).join("\n---\n");

async function codecs(world: World, client: CompatClient): Promise<void> {
  const values = numbers(200).map((number) => `${number} ${"again and ".repeat(20)}`);
  for (const codec of CODECS) {
    const topic = await world.createTopic(named(client, codec), 1);
    const told = tell(client, world.plain, "produce", [topic.name, codec], values);
    if (!client.codecs.includes(codec)) {
      await expect(told).rejects.toThrow();
      continue;
    }
    await told;
    const read = await readPartition(world.kafka, topic, 0);
    expect(read.map(({ value }) => String(value))).toEqual(values);
    expect(read.map(({ compression }) => compression)).toContain(compressionNumber(codec));
  }
}

async function group(world: World, client: CompatClient): Promise<void> {
  const name = named(client, "group");
  const topic = await world.createTopic(name, 6);
  const sent = await world.feed(topic, 6, 0, 120);
  const members: Member[] = [];
  const join = () => members.push(new Member(client, world.plain, name, name));
  const errors = () => errorsOf(members);
  const missing = () => {
    const seen = new Set(members.flatMap(({ values }) => values));
    return sent.filter((value) => !seen.has(value));
  };
  const allRead = () =>
    until(
      () => missing().length === 0,
      () => `all are read; missing ${missing()}; ${errors()}`,
    );
  try {
    for (const shares of [[6], [3, 3], [2, 2, 2]]) {
      join();
      await world.untilShared(name, shares, errors);
      sent.push(...(await world.feed(topic, 6, sent.length, 120)));
    }
    // kcat drops the record that it has in hand when it is told to end, and commits it.
    await allRead();
    const [, leaver, victim] = members as [Member, Member, Member];
    await leaver.leave();
    const goneAtMs = performance.now();
    await world.untilShared(name, [3, 3], errors);
    expect(performance.now() - goneAtMs).toBeLessThan(SESSION_MS - 1_000);
    await victim.kill();
    sent.push(...(await world.feed(topic, 6, sent.length, 120)));
    await world.untilShared(name, [6], errors);
    await allRead();
    await (members[0] as Member).leave();
  } finally {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
}

async function resume(world: World, client: CompatClient): Promise<void> {
  const name = named(client, "resume");
  const topic = await world.createTopic(name, 3);
  const readAll = async (wanted: readonly string[]): Promise<void> => {
    await using member = new Member(client, world.plain, name, name);
    await until(
      () => member.values.length >= wanted.length,
      () => `${wanted.length} are read, not ${member.values.length}; ${member.errors}`,
    );
    await member.leave();
    expect(sorted(member.values)).toEqual(sorted(wanted));
  };
  await readAll(await world.feed(topic, 3, 0, 90));
  await readAll(await world.feed(topic, 3, 90, 60));
}

async function idempotent(world: World, client: CompatClient): Promise<void> {
  const topic = await world.createTopic(named(client, "idempotent"), 1);
  const values = numbers(300);
  await tell(client, world.plain, "idempotent", [topic.name], values);
  const read = await readPartition(world.kafka, topic, 0);
  expect(read.map(({ value }) => String(value))).toEqual(values);
  expect(Math.min(...read.map(({ producerId }) => producerId))).toBeGreaterThanOrEqual(0);
}

/** producer-perf-test can be made to send 0, 1, 2, …, so all clients do. */
async function transactions(world: World, client: CompatClient): Promise<void> {
  const name = named(client, "transactions");
  const topic = await world.createTopic(name, 1);
  const values = numbers(10);
  const wanted = [...values, ...values];
  const foreign = await TransactionalProducer.start(world.kafka, `${name}-foreign`, "implicit");
  await tell(client, world.plain, "commit", [name, name], values);
  await foreign.send(topic, 0, ["aborted"]);
  await foreign.end(false);
  if (client.aborts) await tell(client, world.plain, "abort", [name, name], ["aborted", "aborted too"]);
  await tell(client, world.plain, "commit", [name, name], values);
  await using reader = new Member(client, world.plain, name, name);
  await until(
    () => reader.values.length >= wanted.length,
    () => `${wanted.length} are read, not ${reader.values}; ${reader.errors}`,
  );
  expect(reader.values).toEqual(wanted);
}

async function admin(world: World, client: CompatClient): Promise<void> {
  const topic = named(client, "admin");
  const described = async () => (await tell(client, world.plain, "describe", [topic])).trim().split("\n");
  await tell(client, world.plain, "create", [topic, "3"]);
  expect((await described())[0]).toBe("partitions 3");
  await tell(client, world.plain, "alter", [topic, "3600000"]);
  expect(await described()).toEqual(["partitions 3", "retention.ms 3600000"]);
  await tell(client, world.plain, "delete", [topic]);
  await expect(topicId(world.kafka, topic)).rejects.toThrow("error 3");
}

async function scram(world: World, client: CompatClient): Promise<void> {
  const name = named(client, "scram");
  const values = numbers(100);
  await tell(client, world.secure, "produce", [name, "none"], values);
  await using member = new Member(client, world.secure, name, name);
  await until(
    () => member.values.length >= values.length,
    () => `${values.length} are read, not ${member.values.length}; ${member.errors}`,
  );
  expect(sorted(member.values)).toEqual(sorted(values));
}

export const SCENARIOS: Readonly<Record<Feature, (world: World, client: CompatClient) => Promise<void>>> = {
  codecs,
  group,
  resume,
  idempotent,
  transactions,
  admin,
  scram,
};
