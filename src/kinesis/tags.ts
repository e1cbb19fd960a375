/**
 * Tags of streams and consumers, and the rules that both families of tag operations share
 * (https://docs.aws.amazon.com/streams/latest/dev/tagging.html).
 */
import { invalidArgument } from "./errors.ts";
import { TAG_PREFIX } from "./stream-settings.ts";

export const TAGS_MAX = 50;
const ALLOWED = /^[\p{L}\p{N}\p{Z}_.:/=+\-@%]*$/u;

/**
 * `before` with `added` on top; `what` is the resource, for messages. Throws InvalidArgumentException when there is a tag
 * that AWS does not take, or more than a resource may have.
 */
export function withTags(
  before: ReadonlyMap<string, string>,
  added: ReadonlyMap<string, string>,
  what: string,
): Map<string, string> {
  const failed = `Failed to add tags to ${what} because`;
  checkTexts([...added].flat(), failed);
  checkReserved(added.keys());
  const tags = new Map([...before, ...added]);
  if (tags.size <= TAGS_MAX) return tags;
  throw invalidArgument(
    `${failed} a given resource cannot have more than ${TAGS_MAX} tags associated with it.`,
  );
}

/** Refuses keys, to be removed from `what`, that no tag can have. Throws InvalidArgumentException. */
export function checkTagKeys(keys: readonly string[], what: string): void {
  checkTexts(keys, `Failed to remove tags from ${what} because`);
  checkReserved(keys);
}

function checkTexts(texts: readonly string[], failed: string): void {
  if (!texts.every((text) => ALLOWED.test(text))) {
    throw invalidArgument(
      "Some tags contain invalid characters. Valid characters: " +
        "Unicode letters, digits, white space, _ . / = + - % @.",
    );
  }
  // AWS names it among the valid ones, and refuses it all the same.
  if (texts.some((text) => text.includes("%"))) {
    throw invalidArgument(
      `${failed} some tags contained illegal characters. The allowed characters are Unicode letters, ` +
        "white-spaces, '_',',','/','=','+','-','@'.",
    );
  }
}

function checkReserved(keys: Iterable<string>): void {
  for (const key of keys)
    if (key.startsWith("aws:")) throw invalidArgument(`Tag keys that begin with aws: are reserved: ${key}.`);
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
