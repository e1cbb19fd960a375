/** The quick readers of puts never says anything else than the general one: on plain bodies and on broken ones. */
import { expect, test } from "bun:test";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { jsonFormat } from "../../src/kinesis/body.ts";
import { putRecord } from "../../src/kinesis/handlers/put-record.ts";
import { putRecords } from "../../src/kinesis/handlers/put-records.ts";
import { type PutOperation, scanPut } from "../../src/kinesis/put-body.ts";
import { readInput } from "../../src/kinesis/validation.ts";
import { hashKeysOf } from "../../src/streams/hash-keys.ts";
import { hashKeyOf } from "../helpers/append-records.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const CHANGES = 20_000;

interface Entry {
  Data: Uint8Array;
  PartitionKey: string;
  ExplicitHashKey?: string;
}

interface Put extends Entry {
  StreamName?: string;
  StreamARN?: string;
  Records?: Entry[];
}

const INPUTS = { PutRecords: putRecords.input, PutRecord: putRecord.input };

/** What the general way makes of a body, in plain words; undefined when it refuses it. */
function general(body: Uint8Array, operation: PutOperation = "PutRecords"): unknown {
  try {
    const read = readInput(INPUTS[operation], jsonFormat.decode(body), jsonFormat) as Put;
    const { StreamName, StreamARN, Records = [read] } = read;
    const records = Records.map(({ Data, PartitionKey, ExplicitHashKey }) => ({
      Data: Buffer.from(Data).toString("hex"),
      PartitionKey,
      hashKey: [...hashKeysOf([BigInt(ExplicitHashKey ?? hashKeyOf(PartitionKey ?? ""))])],
    }));
    return { StreamName, StreamARN, records };
  } catch {
    return undefined;
  }
}

/** The same of the quick reader, which leaves a body alone that it does not read. */
function scanned(body: Buffer, operation: PutOperation = "PutRecords"): unknown {
  const before = Buffer.from(body);
  const read = scanPut(operation, body);
  if (read === undefined) {
    expect(body.toString("latin1")).toBe(before.toString("latin1"));
    return undefined;
  }
  const { StreamName, StreamARN, records } = read;
  return {
    StreamName,
    StreamARN,
    records: Array.from({ length: records.count }, (_, place) => ({
      Data: records.bytes.toString("hex", records.dataStart(place), records.dataEnd(place)),
      PartitionKey: records.bytes.toString("utf8", records.keyStart(place), records.keyEnd(place)),
      hashKey: [...records.hashKeys.subarray(place * 4, place * 4 + 4)],
    })),
  };
}

function randomBody(random: Random, operation: PutOperation): string {
  const records = Array.from({ length: 1 + (random.uint32() % 3) }, (_, i) => ({
    Data: random.bytes(random.uint32() % 8).toString("base64"),
    PartitionKey: `key-${i}`,
    ...(random.uint32() % 3 === 0 ? { ExplicitHashKey: String(random.uint32()) } : {}),
  }));
  const space = [undefined, 1, "\t"][random.uint32() % 3];
  const name = random.uint32() % 2 === 0 ? { StreamName: "s" } : {};
  const arn =
    random.uint32() % 2 === 0 ? { StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s" } : {};
  const put = operation === "PutRecords" ? { Records: records } : records[0];
  return JSON.stringify({ ...name, ...put, ...arn }, undefined, space);
}

test("what SDKs send is read, with white space or without, members in any order", () => {
  const bodies = [
    '{"StreamName":"s","Records":[{"Data":"AAEC","PartitionKey":"k"}]}',
    ' {\n"Records" : [ {"PartitionKey": "k k~!", "ExplicitHashKey":"0", "Data": ""} , ' +
      '{"Data":"/+A=","PartitionKey":"k"}], "StreamARN": "arn:aws:kinesis:x:000000000000:stream/s" }\t',
  ];
  for (const body of bodies) {
    const read = scanned(Buffer.from(body));
    expect(read).toBeDefined();
    expect(read).toEqual(general(Buffer.from(body)));
  }
});

test.each([
  ["escapes", '{"StreamName":"s","Records":[{"Data":"AAEC","PartitionKey":"k\\u0041"}]}'],
  ["letters beyond ASCII", '{"StreamName":"s","Records":[{"Data":"AAEC","PartitionKey":"żółw"}]}'],
  ["other members", '{"StreamName":"s","DryRun":false,"Records":[{"Data":"AAEC","PartitionKey":"k"}]}'],
  ["a member given twice", '{"Records":[{"Data":"AAEC","PartitionKey":"a","PartitionKey":"b"}]}'],
  ["null", '{"StreamName":null,"Records":[{"Data":"AAEC","PartitionKey":"k"}]}'],
  ["records without a key", '{"Records":[{"Data":"AAEC"}]}'],
])("%s are left to the general reader, which takes them", (_name, body) => {
  expect(scanned(Buffer.from(body))).toBeUndefined();
  expect(general(Buffer.from(body))).toBeDefined();
});

test.each([
  ["no records", '{"Records":[]}'],
  ["an empty key", '{"Records":[{"Data":"AAEC","PartitionKey":""}]}'],
  ["a key that is too long", `{"Records":[{"Data":"AAEC","PartitionKey":"${"k".repeat(257)}"}]}`],
  ["a hash key that is none", '{"Records":[{"Data":"AAEC","PartitionKey":"k","ExplicitHashKey":"01"}]}'],
  ["a stream name with a slash", '{"StreamName":"a/b","Records":[{"Data":"AAEC","PartitionKey":"k"}]}'],
  ["base64 without its padding", '{"Records":[{"Data":"AA","PartitionKey":"k"}]}'],
  ["base64 with a space", '{"Records":[{"Data":"AAE C AA","PartitionKey":"k"}]}'],
  ["base64 with spaces behind it", '{"Records":[{"Data":"AAEC    ","PartitionKey":"k"}]}'],
  ["spaces for base64", '{"Records":[{"Data":"    ","PartitionKey":"k"}]}'],
  ["base64 of the URL alphabet", '{"Records":[{"Data":"_-AA","PartitionKey":"k"}]}'],
  ["base64 with bits left over", '{"Records":[{"Data":"AAF=","PartitionKey":"k"}]}'],
  ["padding alone", '{"Records":[{"Data":"====","PartitionKey":"k"}]}'],
  ["something behind the body", '{"Records":[{"Data":"AAEC","PartitionKey":"k"}]}x'],
  ["501 records", `{"Records":[${Array(501).fill('{"Data":"","PartitionKey":"k"}').join(",")}]}`],
])("%s is refused by both", (_name, body) => {
  expect(scanned(Buffer.from(body))).toBeUndefined();
  expect(general(Buffer.from(body))).toBeUndefined();
});

test("a body is as it was when a record late in it can't be read", () => {
  const record = (Data: string) => `{"PartitionKey":"k","Data":"${Data}"}`;
  for (const end of [
    record("AAF="),
    record("AA E"),
    '{"Data":"AAEC"}',
    '{"Data":"AAEC","Data":""}',
    "{",
    "1",
  ]) {
    const body = `{"StreamName":"s","Records":[${record("AAEC")},${record("")},${record("/+A=")},${end}`;
    expect(scanned(Buffer.from(body))).toBeUndefined();
  }
});

const bothOperations = test.each(Object.keys(INPUTS) as PutOperation[]);
bothOperations(
  "of bodies of %s with bytes changed, cut out or doubled, none is read in another way",
  (operation) => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    let read = 0;
    for (let i = 0; i < CHANGES; i++) {
      const body = Buffer.from(randomBody(random, operation));
      const at = random.uint32() % body.length;
      const end = Math.min(body.length, at + 1 + (random.uint32() % 4));
      const kind = random.uint32() % 4;
      const changed =
        kind === 0
          ? Buffer.concat([body.subarray(0, at), body.subarray(end)])
          : kind === 1
            ? Buffer.concat([body.subarray(0, end), body.subarray(at)])
            : body;
      if (kind === 2) changed[at] = random.uint32() % 256;
      const sent = Buffer.from(changed);
      const quick = scanned(changed, operation);
      if (quick === undefined) continue;
      read++;
      expect([sent.toString("latin1"), quick]).toEqual([
        sent.toString("latin1"),
        general(sent, operation),
      ] as never[]);
    }
    expect(read).toBeGreaterThan(CHANGES / 4);
  },
);

test.each([150, 151, 152])(
  "%d bytes of data are read letter by letter: any other byte in their place counts",
  (bytes) => {
    const text = seededRandom(bytes).bytes(bytes).toString("base64");
    const start = '{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"';
    const body = Buffer.from(`${start}${text}"}]}`);
    // Decoders look at many letters at a time, and at the last ones by themselves.
    const places = [0, 1, 2, 3, 31, 64, 100, ...Array.from({ length: 12 }, (_, i) => text.length - 1 - i)];
    for (const place of places) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = Buffer.from(body);
        changed[start.length + place] = byte;
        const quick = scanned(Buffer.from(changed));
        if (quick !== undefined || byte === body[start.length + place])
          expect([place, byte, quick]).toEqual([place, byte, general(changed)]);
      }
    }
  },
);
