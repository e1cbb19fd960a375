/**
 * HTTP that no client sends, over a socket of its own: requests that could be read in two ways, lengths that lie,
 * headers without end. Each is refused and its connection closed. The HTTP server is Bun's; these are what voik
 * relies on.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { KinesisHarness } from "./kinesis-harness.ts";

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
});
afterAll(() => harness.stop());

interface Answer {
  status: number;
  head: string;
  body: string;
}

/** What the server says to `bytes` until it closes the connection. */
function answerTo(bytes: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(harness.server.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", body = ""] = text.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1] ?? 0), head, body });
    });
    socket.write(bytes);
  });
}

/** A request whose last headers are `more`. */
function request(more: string, body = "{}", host = "host: x\r\n"): string {
  return (
    `POST / HTTP/1.1\r\n${host}content-type: application/x-amz-json-1.1\r\n` +
    `x-amz-target: Kinesis_20131202.ListStreams\r\n${more}\r\n${body}`
  );
}

const length = "content-length: 2\r\n";
const chunked = "transfer-encoding: chunked\r\n";
const chunks = "2\r\n{}\r\n0\r\n\r\n";
const manyHeaders = Array.from({ length: 5000 }, (_, i) => `x-${i}: a\r\n`).join("");

const refused: [string, string | Buffer, number][] = [
  ["a length and chunks", request(length + chunked, chunks), 400],
  ["two lengths", request(`${length}content-length: 3\r\n`), 400],
  // Bun hands both on as one text, which is no number of bytes that voik takes.
  ["a length twice", request(length + length), 413],
  ["a length below nought", request("content-length: -1\r\n"), 400],
  ["a length of 2^63", request("content-length: 9223372036854775808\r\n"), 400],
  ["a length of 2^64", request("content-length: 18446744073709551616\r\n"), 400],
  ["a length that is no number", request("content-length: 2x\r\n"), 400],
  ["a chunk whose length is no number", request(chunked, "zz\r\n{}\r\n0\r\n\r\n"), 400],
  ["a chunk of 2^72 bytes", request(chunked, "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400],
  ["another encoding behind the chunks", request("transfer-encoding: chunked, identity\r\n", chunks), 400],
  ["an encoding that there is not", request("transfer-encoding: gzip\r\n"), 400],
  ["a header of 64 KiB", request(`x-big: ${"a".repeat(65_536)}\r\n${length}`), 431],
  ["5,000 headers", request(manyHeaders + length), 431],
  ["lines that end in LF", request(length).replaceAll("\r\n", "\n"), 505],
  ["no host", request(length, "{}", ""), 400],
  ["a NUL in a header's value", request(`x-nul: a\0b\r\n${length}`), 400],
  ["a NUL in a header's name", request(`x\0y: a\r\n${length}`), 400],
  ["a space behind a header's name", request("content-length : 2\r\n"), 400],
  ["a version that there is not", request(length).replace("HTTP/1.1", "HTTP/9.9"), 505],
  ["the first bytes of TLS", Buffer.from("160301000001020303000d0a0d0a", "hex"), 400],
  ["a body over the limit, which is not waited for", request("content-length: 16000000\r\n", ""), 413],
  ["a body far over the limit", request("content-length: 40000000\r\n", ""), 413],
];

describe("refused and closed:", () => {
  for (const [name, bytes, status] of refused) {
    test(name, async () => {
      const answer = await answerTo(bytes);
      expect([answer.status, answer.body]).toEqual([status, ""]);
    });
  }
});

test("what a client sends is answered all the same", async () => {
  const answer = await answerTo(request(`${length}connection: close\r\n`));
  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    200,
    { StreamNames: [], HasMoreStreams: false, StreamSummaries: [] },
  ]);
});
