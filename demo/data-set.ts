/** The demo's data set: a line of test/data/birdstrikes.csv.gz is a record, the state it happened in is its key. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

export interface DemoRecord {
  key: string;
  data: Buffer;
}

const FILE = join(import.meta.dir, "../test/data/birdstrikes.csv.gz");
const STATE_COLUMN = 5;

/** All records in the order of the file, without its header line. */
export function readDataSet(): DemoRecord[] {
  const lines = gunzipSync(readFileSync(FILE)).toString("utf8").trimEnd().split("\n").slice(1);
  return lines.map((line) => ({ key: line.split(",")[STATE_COLUMN] || "unknown", data: Buffer.from(line) }));
}
