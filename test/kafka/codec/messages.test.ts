/** Every message at every version: encoding and decoding give the same body back, and every prefix is checked. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/base/random.ts";
import { APIS } from "../../../src/kafka/apis.ts";
import type { Message } from "../../../src/kafka/codec/message.ts";
import { FrameError, Reader } from "../../../src/kafka/codec/reader.ts";
import { hostileCopies, PrefixRecorder, randomBody } from "../../helpers/kafka-bodies.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const messages: Message[] = APIS.flatMap((api) => [api.request, api.reply]);

function* versionsOf(message: Message): Generator<number> {
  for (let version = message.versions.min; version <= message.versions.max; version++) yield version;
}

describe("message tables", () => {
  test.each(messages.map((message) => [message.name, message] as const))(
    "%s gives back what was encoded, in every version",
    (_name, message) => {
      const random = seededRandom(SEED);
      for (const version of versionsOf(message)) {
        for (let round = 0; round < 5; round++) {
          const body = randomBody(message.fields, version, random);
          const writer = new PrefixRecorder();
          message.write(version, writer, body as never);
          const reader = new Reader(Buffer.from(writer.bytes.subarray(0, writer.at)));
          const decoded = message.read(version, reader);
          expect(decoded).toMatchObject(body);
          expect(reader.left).toBe(0);
        }
      }
    },
  );

  test.each(messages.map((message) => [message.name, message] as const))(
    "%s refuses every hostile length and count, in every version",
    (_name, message) => {
      const random = seededRandom(SEED);
      for (const version of versionsOf(message)) {
        const writer = new PrefixRecorder();
        message.write(version, writer, randomBody(message.fields, version, random) as never);
        const bytes = Buffer.from(writer.bytes.subarray(0, writer.at));
        for (const hostile of hostileCopies(bytes, writer.prefixes)) {
          expect(() => message.read(version, new Reader(hostile))).toThrow(FrameError);
        }
      }
    },
  );

  test.each(messages.map((message) => [message.name, message] as const))(
    "%s refuses a body that ends early, wherever it ends",
    (_name, message) => {
      const random = seededRandom(SEED);
      const version = message.versions.max;
      const writer = new PrefixRecorder();
      message.write(version, writer, randomBody(message.fields, version, random) as never);
      for (let end = 0; end < writer.at; end += 1 + Math.floor(writer.at / 500)) {
        const cut = Buffer.from(writer.bytes.subarray(0, end));
        expect(() => message.read(version, new Reader(cut))).toThrow(FrameError);
      }
    },
  );

  test("a request with more array elements than any client needs is refused", () => {
    const metadata = APIS.find((api) => api.name === "Metadata")?.request as Message;
    const count = 300_000;
    const frame = Buffer.alloc(4 + count * 2);
    frame.writeInt32BE(count, 0);
    expect(() => metadata.read(1, new Reader(frame))).toThrow("array elements");
  });

  test("unknown tagged fields are stepped over", () => {
    const request = APIS.find((api) => api.name === "ApiVersions")?.request as Message;
    const frame = Buffer.from("0276" + "0276" + "02" + "0503616263" + "6400", "hex");
    const reader = new Reader(frame);
    expect(request.read(3, reader)).toEqual({ clientSoftwareName: "v", clientSoftwareVersion: "v" } as never);
    expect(reader.left).toBe(0);
  });
});
