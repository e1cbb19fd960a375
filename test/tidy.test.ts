/**
 * The shape of the house, proven: arrows point one way and never in a circle, each handler is in its table, no file
 * grows past 400 lines, disk and clock stay behind their seams. Every rule is also shown a small bad tree and must object to it.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as rules from "./helpers/tidy-rules.ts";
import type { SourceFile } from "./helpers/tidy-rules.ts";

const ROOT = join(import.meta.dir, "..");

function filesUnder(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: ROOT })]
      .sort()
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })),
  );
}

const source = filesUnder("src");
const everything = filesUnder("src", "test", "bench", "deploy", "demo");
const file = (path: string, text: string): SourceFile => ({ path, text });

describe("the tree", () => {
  test("is really read", () => expect(source.length).toBeGreaterThan(40));
  test("has imports that point right only", () => expect(rules.brokenArrows(source)).toEqual([]));
  test("has no imports that go in a circle", () => expect(rules.importCircles(everything)).toEqual([]));
  test("has few files that name concrete parts", () => expect(rules.concreteImports(source)).toEqual([]));
  test("imports only files that are there", () => expect(rules.danglingImports(source)).toEqual([]));
  test("reaches disk, clock, chance and libc through base", () =>
    expect(rules.brokenSeams(source)).toEqual([]));
  test("has no file over 400 lines", () => expect(rules.longFiles(everything)).toEqual([]));
  test("has files that say what they are", () => expect(rules.missingOpenings(source)).toEqual([]));
  test("has kebab-case names and no index.ts", () => expect(rules.badNames(everything)).toEqual([]));
  test("has nothing unfinished, silenced or untyped", () => expect(rules.forbiddenText(source)).toEqual([]));
  test("has each Kafka handler and message in the table", () => {
    expect(rules.tableGaps(source, "src/kafka/apis.ts", "src/kafka/handlers")).toEqual([]);
    expect(rules.tableGaps(source, "src/kafka/apis.ts", "src/kafka/messages")).toEqual([]);
    expect(rules.kafkaTableGaps(source)).toEqual([]);
  });
  test("has each Kinesis handler in the table", () => {
    expect(rules.tableGaps(source, "src/kinesis/operations.ts", "src/kinesis/handlers")).toEqual([]);
    expect(rules.kinesisTableGaps(source)).toEqual([]);
  });
});

describe("the rules object to", () => {
  test.each([
    ["src/log/segment.ts", "../streams/broker.ts"],
    ["src/base/bytes.ts", "../log/record.ts"],
    ["src/kafka/reply.ts", "../kinesis/errors.ts"],
    ["src/kinesis/body.ts", "../admin/health.ts"],
    ["src/admin/health.ts", "../config/schema.ts"],
    ["src/streams/shard.ts", "../kafka/errors.ts"],
    ["src/config/load.ts", "../streams/broker.ts"],
    ["src/voik.ts", "./cli/run.ts"],
    ["src/unheard-of/part.ts", "../base/bytes.ts"],
  ])("an arrow the wrong way: %s -> %s", (path, target) => {
    for (const line of [
      `import { x } from "${target}";`,
      `import type { X } from "${target}";`,
      `await import("${target}");`,
    ])
      expect(rules.brokenArrows([file(path, line)])).toHaveLength(1);
  });

  test("an arrow the right way not at all", () => {
    expect(rules.brokenArrows([file("src/kafka/reply.ts", 'import { x } from "../log/record.ts";')])).toEqual(
      [],
    );
    expect(
      rules.brokenArrows([file("src/log/record.ts", '// import { x } from "../kafka/reply.ts";')]),
    ).toEqual([]);
  });

  test("imports that go in a circle, types too", () => {
    const circle = [
      file("src/log/a.ts", 'import { b } from "./b.ts";'),
      file("src/log/b.ts", 'import type { C } from "./c.ts";'),
      file("src/log/c.ts", 'import type { B } from "./b.ts";\nimport { d } from "../base/d.ts";'),
      file("src/base/d.ts", ""),
    ];
    expect(rules.importCircles(circle)).toEqual([
      "src/log/b.ts -> src/log/c.ts -> src/log/b.ts: imports go in a circle",
    ]);
    expect(rules.importCircles(circle.slice(0, 2))).toEqual([]);
    expect(rules.importCircles([file("src/log/a.ts", 'import type { A } from "./a.ts";')])).toHaveLength(1);
  });

  test("a concrete part named outside a composition root", () => {
    const line = 'import { createStreamBroker } from "../streams/stream-broker.ts";';
    expect(rules.concreteImports([file("src/kafka/server.ts", line)])).toHaveLength(1);
    expect(rules.concreteImports([file("src/voik.ts", line.replace("../", "./"))])).toEqual([]);
    const disk = 'import { disk } from "../base/disk.ts";';
    expect(rules.concreteImports([file("src/log/segment.ts", disk)])).toHaveLength(1);
    expect(rules.concreteImports([file("src/log/embedded.ts", disk)])).toEqual([]);
  });

  test("an import of nothing", () => {
    expect(rules.danglingImports([file("src/log/a.ts", 'import "./b.ts";')])).toHaveLength(1);
    expect(
      rules.danglingImports([file("src/log/a.ts", 'import "./b";'), file("src/log/b.ts", "")]),
    ).toHaveLength(1);
  });

  test.each([
    ["src/log/segment.ts", 'import { openSync } from "node:fs";'],
    ["src/log/segment.ts", 'import { open } from "node:fs/promises";'],
    ["src/log/segment.ts", 'import { dlopen } from "bun:ffi";'],
    ["src/base/disk.ts", 'import { dlopen } from "bun:ffi";'],
    ["src/kafka/server.ts", 'import { Database } from "bun:sqlite";'],
    ["src/kafka/server.ts", "const now = Date.now();"],
    ["src/log/group-commit.ts", "setTimeout(run, 5);"],
    ["src/streams/stream.ts", "const id = crypto.randomUUID();"],
    ["src/log/segment.ts", "await Bun.write(path, bytes);"],
  ])("a way round the seams: %s with %s", (path, line) => {
    expect(rules.brokenSeams([file(path, line)])).toHaveLength(1);
  });

  test("a file of 401 lines, and not one of 400", () => {
    expect(rules.longFiles([file("src/log/a.ts", "x\n".repeat(401))])).toHaveLength(1);
    expect(rules.longFiles([file("src/log/a.ts", "x\n".repeat(400))])).toEqual([]);
  });

  test("a file that opens with code", () => {
    expect(rules.missingOpenings([file("src/log/a.ts", 'import "./b.ts";\n')])).toHaveLength(1);
    expect(rules.missingOpenings([file("src/log/a.ts", "/** ok */\n")])).toHaveLength(1);
  });

  test.each(["src/log/index.ts", "src/log/commitLog.ts", "src/Log/a.ts", "test/log/commit_log.test.ts"])(
    "the name %s",
    (path) => expect(rules.badNames([file(path, "")])).toHaveLength(1),
  );

  test.each(["// TODO: later", "// @ts-ignore", "const x = y as any;", "function f(x: any) {}"])(
    "the text %s",
    (line) => expect(rules.forbiddenText([file("src/log/a.ts", line)])).toHaveLength(1),
  );

  const kafkaTable = file(
    "src/kafka/apis.ts",
    'import { produceHandler } from "./handlers/00-produce.ts";\nexport const APIS = [\n  api(Produce, produceHandler),\n];',
  );
  const produce = [
    file("src/kafka/handlers/00-produce.ts", ""),
    file("src/kafka/messages/00-produce.ts", '{ key: 0, name: "Produce" }'),
  ];

  test("a Kafka handler that misses its table, and a row that misses its handler", () => {
    const stray = file("src/kafka/handlers/01-fetch.ts", "");
    const fetchMessages = file("src/kafka/messages/01-fetch.ts", '{ key: 1, name: "Fetch" }');
    const gaps = (...files: SourceFile[]) =>
      rules.tableGaps(files, "src/kafka/apis.ts", "src/kafka/handlers");
    expect(gaps(kafkaTable, ...produce)).toEqual([]);
    expect(gaps(kafkaTable, ...produce, stray)).toHaveLength(1);
    expect(gaps(kafkaTable, stray)).toHaveLength(2);
    expect(gaps(stray)).toHaveLength(1);
    expect(rules.kafkaTableGaps([kafkaTable, ...produce])).toEqual([]);
    expect(rules.kafkaTableGaps([kafkaTable, ...produce, stray, fetchMessages])).toHaveLength(1);
    expect(rules.kafkaTableGaps([kafkaTable, ...produce, fetchMessages])).toHaveLength(1);
    expect(rules.kafkaTableGaps([kafkaTable])).toHaveLength(1);
    const wrongKey = file("src/kafka/messages/00-produce.ts", '{ key: 1, name: "Produce" }');
    expect(rules.kafkaTableGaps([kafkaTable, produce[0] as SourceFile, wrongKey])).toHaveLength(1);
  });

  test("a Kinesis handler that misses its table, and a row that misses its handler", () => {
    const table = file(
      "src/kinesis/operations.ts",
      "export const OPERATIONS = {\n  PutRecord: putRecord,\n};",
    );
    const putRecord = file("src/kinesis/handlers/put-record.ts", "");
    expect(rules.kinesisTableGaps([table, putRecord])).toEqual([]);
    expect(
      rules.kinesisTableGaps([table, putRecord, file("src/kinesis/handlers/list-tags.ts", "")]),
    ).toHaveLength(1);
    expect(rules.kinesisTableGaps([table])).toHaveLength(1);
  });
});
