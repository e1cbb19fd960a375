/**
 * `voik log dump FILE`: the batches of a log file (also .pending, .torn, .deleted), with --records their records too;
 * or the entries of an index. One line each, for people or as JSON. Bad bytes are shown as such, and stepped over.
 */
import { basename } from "node:path";
import { VoikError } from "../base/errors.ts";
import type { OpenFile } from "../base/file-system.ts";
import { BatchScan } from "../log/batch-scan.ts";
import { compressionName } from "../log/compression.ts";
import {
  OFFSET_ENTRY_BYTES,
  offsetEntry,
  readIndex,
  TIME_ENTRY_BYTES,
  timeEntry,
} from "../log/index-content.ts";
import { RecordReader } from "../log/record.ts";
import {
  Attribute,
  attributesOf,
  baseOffsetOf,
  baseSequenceOf,
  compressionOf,
  leaderEpochOf,
  maxTimestampOf,
  nextOffsetOf,
  producerEpochOf,
  producerIdOf,
  recordCountOf,
} from "../log/record-batch.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { fileSystem, LogFolder, readOnlyArg } from "./log-folder.ts";
import { Output } from "./output.ts";
import { formatRecord, timeText } from "./record-format.ts";

type Line = Record<string, string | number | boolean | null>;

export default command({
  name: "log dump",
  description: "Show what is in a log file or an index",
  args: {
    file: { type: "positional", required: true, description: "A .log, .index or .timeindex file" },
    records: { type: "boolean", description: "Show the records of each batch too" },
    json: { type: "boolean", description: "Print JSON, one object a line" },
    ...readOnlyArg,
  },
  async run({ args }) {
    if (!fileSystem.exists(args.file)) throw new CliError(EXIT.failed, `there is no file ${args.file}`);
    const folder = LogFolder.around(args.file, args["read-only"] === true);
    const dump = new Dump(new Output(), args.json === true, args.records === true);
    try {
      await dump.file(args.file);
    } finally {
      folder?.close();
    }
  },
});

class Dump {
  constructor(
    private readonly output: Output,
    private readonly json: boolean,
    private readonly records: boolean,
  ) {}

  /** Writes what is in the file at `path`. Throws CliError for a name that says nothing of its format. */
  async file(path: string): Promise<void> {
    const name = basename(path);
    const [, digits = "", kind] =
      /^(\d{20})\.(?:\d+\.)?(log|index|timeindex|torn)(?:\.pending|\.deleted)?$/.exec(name) ?? [];
    if (kind === undefined)
      throw new CliError(EXIT.usage, `${name} is no file of a log: they are named 00000000000000000000.log`);
    if (kind === "index" || kind === "timeindex") await this.index(path, kind, Number(digits));
    else await this.log(path, Number(digits));
    await this.output.flush();
  }

  private async log(path: string, baseOffset: number): Promise<void> {
    const file = fileSystem.open(path, "read");
    try {
      await this.batches(file, file.size(), baseOffset);
    } finally {
      file.close();
    }
  }

  private async batches(file: OpenFile, end: number, baseOffset: number): Promise<void> {
    const scan = new BatchScan(file, end);
    for (let position = 0; position < end && !this.output.closed;) {
      const batch = scan.batchAt(position);
      if (batch === undefined) {
        const next = scan.nextBatch(position + 1, baseOffset) ?? end;
        await this.line({ bad: true, byte: position, bytes: next - position });
        position = next;
        continue;
      }
      await this.line(lineOf(batch, position));
      position += batch.length;
      // A copy: the window moves on while a slow reader takes the lines.
      if (this.records) await this.recordsOf(Buffer.from(batch));
    }
  }

  private async recordsOf(batch: Buffer): Promise<void> {
    try {
      const reader = new RecordReader(batch);
      while (reader.next() && !this.output.closed) {
        const line = formatRecord("json", undefined, reader);
        await this.output.write(this.json ? line : Buffer.concat([Buffer.from("  "), line]));
      }
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      await this.line({ unreadable: error.message });
    }
  }

  private async index(path: string, kind: "index" | "timeindex", baseOffset: number): Promise<void> {
    const times = kind === "timeindex";
    const content = readIndex(fileSystem, path, times ? TIME_ENTRY_BYTES : OFFSET_ENTRY_BYTES, baseOffset);
    if (content === undefined) throw new CliError(EXIT.failed, `${path} is too large for an index`);
    for (let i = 0; i < content.count && !this.output.closed; i++) {
      if (!times) {
        const { offset, position } = offsetEntry(content, i, baseOffset);
        await this.line({ offset, byte: position });
      } else {
        const { timestampMs, beforeOffset } = timeEntry(content, i, baseOffset);
        await this.line({ before: beforeOffset, newest: timeText(timestampMs) });
      }
    }
    await this.line({ entries: content.count, sealed: content.sealed });
  }

  private line(line: Line): Promise<void> {
    const text = this.json
      ? JSON.stringify(line)
      : Object.entries(line)
          .map(([name, value]) => (value === true ? name : `${name} ${value}`))
          .join("  ");
    return this.output.write(Buffer.from(`${text}\n`));
  }
}

function lineOf(batch: Buffer, position: number): Line {
  const attributes = attributesOf(batch);
  const producer = producerIdOf(batch);
  return {
    offset: baseOffsetOf(batch),
    last: nextOffsetOf(batch) - 1,
    byte: position,
    bytes: batch.length,
    records: recordCountOf(batch),
    compression: compressionName(compressionOf(batch)) ?? compressionOf(batch),
    newest: timeText(maxTimestampOf(batch)),
    epoch: leaderEpochOf(batch),
    ...(producer < 0
      ? {}
      : { producer, producerEpoch: producerEpochOf(batch), sequence: baseSequenceOf(batch) }),
    ...(attributes & Attribute.transactional ? { transactional: true } : {}),
    ...(attributes & Attribute.control ? { control: true } : {}),
  };
}
