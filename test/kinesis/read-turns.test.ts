/** Reads take turns, in order, and none is made for a client that has left. */
import { expect, test } from "bun:test";
import { ReadTurns } from "../../src/kinesis/read-turns.ts";

const LARGE_BYTES = 2 << 20;

/** Reads that note their names; `turn` ends a turn of the loop. */
function rigged() {
  const deferred: (() => void)[] = [];
  const turns = new ReadTurns({ defer: (run) => void deferred.push(run) });
  const made: string[] = [];
  const read = (name: string, bytes: number, hungUp = new AbortController().signal) =>
    turns.run(
      () => {
        made.push(name);
        turns.took(bytes);
        return name;
      },
      { hungUp },
    );
  return { made, read, turn: () => deferred.splice(0).forEach((run) => run()) };
}

test("reads are made at once until they have found much, and then in the next turn", async () => {
  const { made, read, turn } = rigged();
  expect([read("small", 10), read("large", LARGE_BYTES)]).toEqual(["small", "large"]);
  const later = [read("a", 10), read("b", LARGE_BYTES), read("c", LARGE_BYTES)];
  expect(made).toEqual(["small", "large"]);
  turn();
  expect(made).toEqual(["small", "large", "a", "b"]);
  turn();
  expect(await Promise.all(later)).toEqual(["a", "b", "c"]);
  turn();
  expect(read("d", 10)).toBe("d");
});

test("a client that has left while it waited is not read for", async () => {
  const { made, read, turn } = rigged();
  const client = new AbortController();
  void read("large", LARGE_BYTES);
  const gone = Promise.resolve(read("gone", LARGE_BYTES, client.signal)).catch((error) => error.type);
  const next = read("next", 10);
  client.abort();
  turn();
  expect(await gone).toBe("ServiceUnavailable");
  expect(await next).toBe("next");
  expect(made).toEqual(["large", "next"]);
});
