/**
 * `voik produce STREAM`: every line of standard input or of a file becomes a record. Records go out in batches, and
 * the command ends with 0 only when the broker has acknowledged all of them (acks=all: they are on its disk). What a
 * shard does not take, because it was split or merged, goes to the open ones. A bad line ends it, with an error, when the
 * lines before have been acknowledged. While the broker is away it waits, as long as Kafka's producers do; what had no
 * answer is sent again then, and stored once.
 */
import { BATCH_OVERHEAD_BYTES, ShardBatches } from "./batches.ts";
import { BrokerClient, brokerArg, type StreamSummary } from "./broker-client.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { type KeyBy, keyByOf } from "./key-by.ts";
import { type RecordHeader, RecordReader } from "../log/record.ts";
import { recordCountOf } from "../log/record-batch.ts";
import { headerBytesOf, headersOf } from "./record-headers.ts";
import { LineSplitter } from "./lines.ts";

const BATCH_BYTES = 512 * 1024;
const RECORD_BYTES_MAX = 1024 * 1024 - BATCH_OVERHEAD_BYTES;
/** Batches go out at least so often, so that a slow writer's lines don't wait for a full one. */
const LINGER_MS = 50;
const PROGRESS_INTERVAL_MS = 200;
/** Kafka's delivery.timeout.ms: whoever feeds the command should hear of a broker that stays away. */
const PATIENCE_MS = 120_000;

export default command({
  name: "produce",
  description: "Write lines to a stream, one record each",
  args: {
    stream: { type: "positional", required: true, description: "Name of the stream" },
    file: { type: "string", valueHint: "path", description: "Read this file instead of standard input" },
    "key-by": {
      type: "string",
      valueHint: "field",
      description: "The key is this field of the line's JSON (a.b)",
    },
    "key-separator": {
      type: "string",
      valueHint: "text",
      description: "The key is what stands before this text",
    },
    headers: {
      type: "string",
      valueHint: "name=value,…",
      description: "Put these headers on every record",
    },
    ...brokerArg,
  },
  async run({ args }) {
    const headers = headersOf(args.headers);
    const keyBy = keyByOf(args["key-by"], args["key-separator"]);
    const input = inputOf(args.file);
    await BrokerClient.use(args.broker, async (client) => {
      const stream = await client.stream(args.stream);
      client.kafka.patienceMs = PATIENCE_MS;
      const producerId = await client.newProducerId();
      await new Producer(client, stream, producerId, keyBy, headers).run(input);
    });
  },
});

interface Input {
  /** The next bytes, until done. Throws CliError when there is nothing to read from. */
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

function inputOf(path: string | undefined): Input {
  let reader: { read: Input["read"] } | undefined;
  return {
    async read() {
      try {
        reader ??= (path === undefined ? Bun.stdin : Bun.file(path)).stream().getReader();
        return await reader.read();
      } catch (error) {
        const name = path === undefined ? "standard input" : `--file: ${path}`;
        throw new CliError(EXIT.failed, `${name} can't be read: ${(error as Error).message}`);
      }
    },
  };
}

class Producer {
  private readonly lines: LineSplitter;
  private readonly batches: ShardBatches;
  private readonly pending: { key: Buffer | null; value: Buffer }[] = [];
  private readonly startedMs = performance.now();
  private lineNumber = 0;
  private acked = 0;
  private shownMs = 0;

  constructor(
    private readonly client: BrokerClient,
    private readonly stream: StreamSummary,
    producerId: number,
    private readonly keyBy: KeyBy,
    headers: readonly RecordHeader[],
  ) {
    this.lines = new LineSplitter(RECORD_BYTES_MAX - headerBytesOf(headers));
    this.batches = new ShardBatches(stream.shards, producerId, BATCH_BYTES, headers);
  }

  /** Writes all lines, or all before a bad one, and says how many were acknowledged, however it ends. */
  async run(input: Input): Promise<void> {
    let bad: CliError | undefined;
    try {
      bad = await this.writeAll(input);
    } finally {
      this.showEnd();
    }
    if (bad) throw bad;
  }

  /** Resolves to what is wrong with the first bad line. */
  private async writeAll(input: Input): Promise<CliError | undefined> {
    let chunk = input.read();
    for (;;) {
      const next = await Promise.race([chunk, this.batches.count > 0 ? later(LINGER_MS) : chunk]);
      if (next === undefined) {
        await this.flush();
        continue;
      }
      const bad = this.takeLines(next);
      await this.drain();
      if (bad || next.done) {
        await this.flush();
        return bad;
      }
      chunk = input.read();
    }
  }

  /** Takes the lines of what was read; returns what is wrong with the first bad one. */
  private takeLines({
    value,
    done,
  }: {
    value?: Uint8Array | undefined;
    done: boolean;
  }): CliError | undefined {
    try {
      if (value) this.lines.push(Buffer.from(value), this.onLine);
      if (done) this.lines.end(this.onLine);
      return undefined;
    } catch (error) {
      if (error instanceof CliError) return error;
      throw error;
    }
  }

  private readonly onLine = (line: Buffer): void => {
    this.pending.push(this.keyBy(line, ++this.lineNumber));
  };

  /** Moves what was read into batches, sending full ones. */
  private async drain(): Promise<void> {
    for (const { key, value } of this.pending) await this.add(key, value, Date.now());
    this.pending.length = 0;
  }

  private async add(key: Buffer | null, value: Buffer | null, timestampMs: number): Promise<void> {
    while (!this.batches.add(key, value, timestampMs)) await this.send();
  }

  private async flush(): Promise<void> {
    while (this.batches.count > 0) await this.send();
  }

  /** Sends what is gathered. What closed shards did not take is gathered again, for others. */
  private async send(): Promise<void> {
    const { count } = this.batches;
    const sent = this.batches.take();
    const closed = await this.client.produce(this.stream, sent);
    const refused = closed.flatMap((shard) => sent.get(shard) ?? []);
    this.acked += refused.reduce((left, batch) => left - recordCountOf(batch), count);
    this.showProgress();
    if (refused.length === 0) return;
    const { shards } = await this.client.stream(this.stream.name);
    this.batches.reshard(shards, closed);
    for (const batch of refused) {
      const reader = new RecordReader(batch);
      while (reader.next()) await this.add(reader.key(), reader.value(), reader.timestampMs);
    }
  }

  private showProgress(): void {
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - this.shownMs < PROGRESS_INTERVAL_MS) return;
    this.shownMs = nowMs;
    process.stderr.write(`\r${this.acked} records`);
  }

  private showEnd(): void {
    const seconds = (performance.now() - this.startedMs) / 1000;
    const start = process.stderr.isTTY ? "\r" : "";
    process.stderr.write(`${start}${this.acked} records acknowledged in ${seconds.toFixed(2)} s\n`);
  }
}

function later(delayMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, delayMs, undefined));
}
