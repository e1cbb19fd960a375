/** The names that a stream may have. */
import { expect, test } from "bun:test";
import { checkStreamName } from "../../src/streams/stream-name.ts";

test("letters, digits, dots, underscores and dashes make a name", () => {
  for (const name of ["a", "A-1_b.c", "...", "-", "__consumer_offsets", "foo-0", "x".repeat(249)]) {
    expect(() => checkStreamName(name)).not.toThrow();
  }
});

test("a name that is refused is told its rule", () => {
  const rules: [string, string][] = [
    ["", "can't be empty"],
    [".", 'can\'t be "."'],
    ["..", 'can\'t be ".."'],
    ["x".repeat(250), "at most 249 characters, this one 250"],
    ["../x", "letters"],
    ["%2e%2e%2f", "letters"],
    ["a b", "letters"],
    ["a\n", "letters"],
    ["nul\0", "letters"],
    ["straße", "letters"],
  ];
  for (const [name, rule] of rules) expect(() => checkStreamName(name)).toThrow(rule);
});
