/** Lines and keys of `voik produce`. */
import { expect, test } from "bun:test";
import { keyByOf } from "../../src/cli/key-by.ts";
import { LineSplitter } from "../../src/cli/lines.ts";

function split(text: string, chunkBytes: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(100);
  const bytes = Buffer.from(text);
  const each = (line: Buffer) => void lines.push(line.toString());
  for (let at = 0; at < bytes.length; at += chunkBytes)
    splitter.push(bytes.subarray(at, at + chunkBytes), each);
  splitter.end(each);
  return lines;
}

test("lines come out the same however the bytes are cut", () => {
  const text = "one\n\ntwo€\r\nthree";
  for (let chunkBytes = 1; chunkBytes <= 20; chunkBytes++) {
    expect(split(text, chunkBytes)).toEqual(["one", "", "two€\r", "three"]);
  }
});

test("a line over the limit fails, whole or in pieces", () => {
  expect(() => split("x".repeat(101), 1000)).toThrow("more than 100 bytes");
  expect(() => split("x".repeat(101), 7)).toThrow("more than 100 bytes");
});

test("a key is a JSON field, also one inside another", () => {
  const line = Buffer.from('{"a":{"b":7},"c":"text"}');
  expect(keyByOf("a.b", undefined)(line, 1).key?.toString()).toBe("7");
  expect(keyByOf("c", undefined)(line, 1).key?.toString()).toBe("text");
  expect(() => keyByOf("toString", undefined)(line, 3)).toThrow('line 3 has no field "toString"');
  expect(() => keyByOf("a", undefined)(Buffer.from("no json"), 4)).toThrow("line 4 is not JSON");
});

test("a key is what stands before the separator", () => {
  const { key, value } = keyByOf(undefined, "\\t")(Buffer.from("k\tv\tw"), 1);
  expect([key?.toString(), value.toString()]).toEqual(["k", "v\tw"]);
  expect(() => keyByOf(undefined, ":")(Buffer.from("none"), 2)).toThrow("line 2 has no");
  expect(() => keyByOf("a", ":")).toThrow("not both");
});
