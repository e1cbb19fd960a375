/**
 * Our message tables against Kafka's own published definitions (clients/src/main/resources/common/message of
 * apache/kafka, and in every jar of its Java client), read from the folder KAFKA_MESSAGES_DIR: `make test-clients` takes
 * the newest. Versions that folder does not have any more, or not yet, are not compared.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { APIS } from "../../../src/kafka/apis.ts";
import { type Field, type Fields, inVersions, versionRange } from "../../../src/kafka/codec/fields.ts";
import type { Message } from "../../../src/kafka/codec/message.ts";

const folder = process.env.KAFKA_MESSAGES_DIR ?? "";
const there = folder !== "" && existsSync(folder);
if (!there) console.warn("SKIPPED: set KAFKA_MESSAGES_DIR to compare the message tables with Kafka's own");

interface PublishedField {
  name: string;
  type: string;
  versions: string;
  nullableVersions?: string;
  taggedVersions?: string;
  tag?: number;
  default?: string | number | boolean;
  fields?: PublishedField[];
}

interface Published {
  apiKey: number;
  validVersions: string;
  flexibleVersions: string;
  fields: PublishedField[];
  commonStructs?: { name: string; fields: PublishedField[] }[];
}

function published(name: string): Published {
  const text = readFileSync(join(folder, `${name}.json`), "utf8");
  const message: Published = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
  const named = new Map((message.commonStructs ?? []).map((struct) => [struct.name, struct.fields]));
  return { ...message, fields: withStructs(message.fields, named) };
}

/** Puts the fields of structs that are defined apart where they are used. */
function withStructs(fields: PublishedField[], named: Map<string, PublishedField[]>): PublishedField[] {
  return fields.map((field) => {
    const own = field.fields ?? named.get(field.type.replace("[]", ""));
    return own ? { ...field, fields: withStructs(own, named) } : field;
  });
}

const camel = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const has = (versions: string | undefined, version: number) =>
  versions !== undefined && versions !== "none" && inVersions(versionRange(versions), version);

const IMPLICIT: Record<string, string> = { bool: "false", string: "", uuid: "0".repeat(32) };

/** One line per field of `version`: path, type, tag, nullability, default. */
function publishedLines(fields: PublishedField[], version: number, path = ""): string[] {
  return fields
    .filter((field) => has(field.versions, version))
    .flatMap((field) => {
      const name = `${path}${camel(field.name)}`;
      const scalar = /^(bool|u?int\d+|float64|string|uuid|bytes|records)$/.test(field.type);
      const type = field.type.startsWith("[]") ? "array" : scalar ? field.type : "struct";
      const element = type === "array" && !field.fields ? field.type.slice(2) : "";
      const tag = has(field.taggedVersions, version) ? field.tag : undefined;
      const number = typeof field.default === "string" && /^-?(0x)?[0-9a-f]+$/.test(field.default);
      const given = number ? String(Number(field.default)) : field.default;
      const value = scalar ? String(given ?? IMPLICIT[type] ?? 0) : "";
      const line = [name, type, element, tag, has(field.nullableVersions, version), value].join(" ");
      return [line, ...publishedLines(field.fields ?? [], version, `${name}.`)];
    });
}

function ourLines(fields: Fields, version: number, path = ""): string[] {
  return Object.entries(fields)
    .filter(([, field]) => inVersions(field.versions, version))
    .flatMap(([key, field]: [string, Field]) => {
      const name = `${path}${key}`;
      const scalar = field.type !== "array" && field.type !== "struct";
      const value = scalar
        ? String(field.default === undefined ? (IMPLICIT[field.type] ?? 0) : field.default)
        : "";
      const nullable = inVersions(field.nullable, version);
      const line = [name, field.type, field.element?.type ?? "", field.tag, nullable, value].join(" ");
      return [line, ...ourLines(field.fields ?? {}, version, `${name}.`)];
    });
}

const messages: [string, number, Message][] = APIS.flatMap((api) => [
  [api.request.name, api.key, api.request],
  [api.reply.name, api.key, api.reply],
]);

/** Messages that are newer than the folder. */
const unpublished = messages.filter(([name]) => there && !existsSync(join(folder, `${name}.json`)));
if (unpublished.length > 0)
  console.warn(`SKIPPED: not in KAFKA_MESSAGES_DIR: ${unpublished.map(([name]) => name).join(", ")}`);
const comparable = messages.filter((message) => !unpublished.includes(message));

test.skipIf(!there).each(comparable)("%s is as Kafka publishes it", (name, key, message) => {
  const theirs = published(name);
  expect(theirs.apiKey).toBe(key);
  const { min, max } = versionRange(theirs.validVersions);
  const [oldest, newest] = [Math.max(message.versions.min, min), Math.min(message.versions.max, max)];
  let compared = 0;
  for (let version = oldest; version <= newest; version++) {
    expect(message.isFlexible(version)).toBe(has(theirs.flexibleVersions, version));
    expect(ourLines(message.fields, version)).toEqual(publishedLines(theirs.fields, version));
    compared++;
  }
  expect(compared).toBeGreaterThan(0);
});
