/** The quick reader of PutRecords' bodies never says anything else than the general one: on plain bodies and on broken ones. */
import { expect, test } from "bun:test";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { jsonFormat } from "../../src/kinesis/body.ts";
import { putRecords } from "../../src/kinesis/handlers/put-records.ts";
import { type ScannedPutRecords, scanPutRecords } from "../../src/kinesis/put-records-body.ts";
import { readInput } from "../../src/kinesis/validation.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const CHANGES = 20_000;

/** What the general way makes of a body; undefined when it refuses it. */
function general(body: Uint8Array): unknown {
  try {
    return readInput(putRecords.input, jsonFormat.decode(body), jsonFormat);
  } catch {
    return undefined;
  }
}

/** Data as hex: a Buffer and a Uint8Array of the same bytes are the same. */
const plain = (value: unknown) => {
  const request = value as ScannedPutRecords | undefined;
  const records = request?.Records.map((record) => ({
    ...record,
    Data: Buffer.from(record.Data).toString("hex"),
  }));
  return { ...request, Records: records };
};

function randomBody(random: Random): string {
  const records = Array.from({ length: 1 + (random.uint32() % 3) }, (_, i) => ({
    Data: random.bytes(random.uint32() % 8).toString("base64"),
    PartitionKey: `key-${i}`,
    ...(random.uint32() % 3 === 0 ? { ExplicitHashKey: String(random.uint32()) } : {}),
  }));
  const space = [undefined, 1, "\t"][random.uint32() % 3];
  const name = random.uint32() % 2 === 0 ? { StreamName: "s" } : {};
  const arn =
    random.uint32() % 2 === 0 ? { StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s" } : {};
  return JSON.stringify({ ...name, Records: records, ...arn }, undefined, space);
}

test("what SDKs send is read, with white space or without, members in any order", () => {
  const bodies = [
    '{"StreamName":"s","Records":[{"Data":"AAEC","PartitionKey":"k"}]}',
    ' {\n"Records" : [ {"PartitionKey": "k k~!", "ExplicitHashKey":"0", "Data": ""} , ' +
      '{"Data":"/+A=","PartitionKey":"k"}], "StreamARN": "arn:aws:kinesis:x:000000000000:stream/s" }\t',
  ];
  for (const body of bodies) {
    const read = scanPutRecords(Buffer.from(body));
    expect(read).toBeDefined();
    expect(plain(read)).toEqual(plain(general(Buffer.from(body))));
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
  expect(scanPutRecords(Buffer.from(body))).toBeUndefined();
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
  ["base64 of the URL alphabet", '{"Records":[{"Data":"_-AA","PartitionKey":"k"}]}'],
  ["base64 with bits left over", '{"Records":[{"Data":"AAF=","PartitionKey":"k"}]}'],
  ["padding alone", '{"Records":[{"Data":"====","PartitionKey":"k"}]}'],
  ["something behind the body", '{"Records":[{"Data":"AAEC","PartitionKey":"k"}]}x'],
  ["501 records", `{"Records":[${Array(501).fill('{"Data":"","PartitionKey":"k"}').join(",")}]}`],
])("%s is refused by both", (_name, body) => {
  expect(scanPutRecords(Buffer.from(body))).toBeUndefined();
  expect(general(Buffer.from(body))).toBeUndefined();
});

test("of bodies with bytes changed, cut out or doubled, none is read in another way", () => {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  const random = seededRandom(SEED);
  let read = 0;
  for (let i = 0; i < CHANGES; i++) {
    const body = Buffer.from(randomBody(random));
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
    const scanned = scanPutRecords(changed);
    if (scanned === undefined) continue;
    read++;
    expect([changed.toString("latin1"), plain(scanned)]).toEqual([
      changed.toString("latin1"),
      plain(general(changed)),
    ]);
  }
  expect(read).toBeGreaterThan(CHANGES / 4);
});
