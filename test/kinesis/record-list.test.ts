/** Lists of records ask for room once, before they get large, and end where there is none. */
import { describe, expect, test } from "bun:test";
import {
  JsonRecordList,
  type RecordList,
  type ReplyRoom,
  ValueRecordList,
} from "../../src/kinesis/record-list.ts";

const lists: [string, (room: ReplyRoom) => RecordList][] = [
  ["JSON", (room) => new JsonRecordList(room)],
  ["values", (room) => new ValueRecordList((ms) => ms, room)],
];

/** Room for `replies` large ones; what was asked for. */
function rooms(replies: number) {
  const asked: number[] = [];
  return { asked, reserveReply: (bytes: number) => asked.push(bytes) <= replies };
}

const add = (list: RecordList, bytes: number) => list.add("4".repeat(56), 1, Buffer.alloc(bytes), "key");

describe.each(lists)("a list of %s", (_, listWith) => {
  test("of 500 KB asks for no room", () => {
    const room = rooms(0);
    const list = listWith(room);
    for (let i = 0; i < 50; i++) expect(add(list, 10_000 * 0.75)).toBe(true);
    expect([list.count, room.asked]).toEqual([50, []]);
  });

  test("asks once for as much as the largest reply takes, and that is enough", () => {
    const room = rooms(1);
    const list = listWith(room);
    for (let i = 0; i < 10_000; i++) expect(add(list, 1048)).toBe(true);
    const reply = list.close({});
    expect(room.asked.length).toBe(1);
    if ("length" in reply) expect(Number(reply.length)).toBeLessThanOrEqual(room.asked[0] ?? 0);
  });

  test("ends before it gets large where there is no room, tiny records or not", () => {
    for (const bytes of [0, 1, 1000, 100_000]) {
      const list = listWith(rooms(0));
      for (let i = 0; i < 10_000 && add(list, bytes); i++);
      expect(list.count).toBeWithin(1, 10_000);
      const reply = list.close({ ChildShards: "x".repeat(100_000) });
      if ("length" in reply) expect(reply.length).toBeLessThan(1 << 20);
    }
  });

  test("does not take a large record that there is no room for", () => {
    const list = listWith(rooms(0));
    expect([add(list, 5_000_000), list.count]).toEqual([false, 0]);
  });
});
