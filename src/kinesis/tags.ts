/**
 * Tags of streams and consumers, and the rules that both families of tag operations share
 * (https://docs.aws.amazon.com/streams/latest/dev/tagging.html).
 */
import { invalidArgument } from "./errors.ts";
import { TAG_PREFIX } from "./stream-settings.ts";

export const TAGS_MAX = 50;
const ALLOWED = /^[\p{L}\p{N}\p{Z}_.:/=+\-@%]*$/u;

/** Refuses tags with other characters than AWS takes, and keys that are its own. Throws InvalidArgumentException. */
export function checkTags(tags: Iterable<readonly [string, string]>): void {
  for (const [key, value] of tags) {
    if (key.startsWith("aws:")) throw invalidArgument(`Tag keys that begin with aws: are reserved: ${key}.`);
    if (ALLOWED.test(key) && ALLOWED.test(value)) continue;
    throw invalidArgument(
      "Some tags contain invalid characters. Valid characters: " +
        "Unicode letters, digits, white space, _ . / = + - % @.",
    );
  }
}

/** `before` with `added` on top. Throws InvalidArgumentException when that is more than a resource may have. */
export function withTags(
  before: ReadonlyMap<string, string>,
  added: ReadonlyMap<string, string>,
  what: string,
): Map<string, string> {
  const tags = new Map([...before, ...added]);
  if (tags.size <= TAGS_MAX) return tags;
  throw invalidArgument(
    `Failed to add tags to ${what} because a given resource cannot have more than ${TAGS_MAX} tags associated with it.`,
  );
}

/** The tags among a stream's attributes, by key. */
export function tagsIn(attributes: ReadonlyMap<string, string>): Map<string, string> {
  const tags: [string, string][] = [];
  for (const [name, value] of attributes) {
    if (name.startsWith(TAG_PREFIX)) tags.push([name.slice(TAG_PREFIX.length), value]);
  }
  return new Map(tags.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As attributes of a stream. */
export function tagAttributes(tags: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...tags].map(([key, value]) => [TAG_PREFIX + key, value]));
}

export function tagViews(tags: ReadonlyMap<string, string>): object[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}
