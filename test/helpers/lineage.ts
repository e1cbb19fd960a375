/**
 * What writers put into a stream and what each reader was given, while shards are split and merged under them. Held
 * against one another in the end:
 *
 *   every acked record was given to every reader once, with the shard and sequence number of its ack    else "lost"
 *   nothing is given twice, nothing that was not sent                                    else "twice", "foreign"
 *   a key's records come in the order in which they were sent, with ascending sequence numbers,
 *   across all shards that held the key                                                  else "order"
 *   all readers are given the same records, those whose ack never came among them        else "differs"
 */
import { type _Record, type KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { seededRandom } from "../../src/base/random.ts";

const KEYS = 30;
const RECORDS_MAX = 60;
const PADDING_MAX = 400;

/** What one reader was given. */
class ReaderView {
  /** "shard sequence number" of each record by its id. */
  readonly given = new Map<string, string>();
  readonly lastOfKey = new Map<string, { number: number; sequence: bigint }>();
}

export class Lineage {
  private readonly sent = new Set<string>();
  private readonly acked = new Map<string, string>();
  private readonly views = new Map<string, ReaderView>();
  private readonly numbers = new Map<string, number>();
  readonly breaches: string[] = [];

  get sentCount(): number {
    return this.sent.size;
  }

  get ackedCount(): number {
    return this.acked.size;
  }

  givenCount(reader: string): number {
    return this.views.get(reader)?.given.size ?? 0;
  }

  /** The id of the next record of `key`, to be sent now. */
  send(key: string): string {
    const number = this.numbers.get(key) ?? 0;
    this.numbers.set(key, number + 1);
    const id = `${key}:${number}`;
    this.sent.add(id);
    return id;
  }

  ack(id: string, shardId: string, sequenceNumber: string): void {
    this.acked.set(id, `${shardId} ${sequenceNumber}`);
  }

  /** `reader` was given these records of one shard, in this order. */
  see(reader: string, records: readonly _Record[], shardId: string): void {
    let view = this.views.get(reader);
    if (view === undefined) this.views.set(reader, (view = new ReaderView()));
    for (const { Data = new Uint8Array(), SequenceNumber = "", PartitionKey = "" } of records) {
      const id = Buffer.from(Data).toString("latin1").split("|", 1)[0] as string;
      const [key, number] = id.split(":");
      const at = `${reader}: ${id} in ${shardId}`;
      if (!this.sent.has(id) || key !== PartitionKey) this.breaches.push(`foreign: ${at}`);
      if (view.given.has(id)) this.breaches.push(`twice: ${at}, before in ${view.given.get(id)}`);
      view.given.set(id, `${shardId} ${SequenceNumber}`);
      const now = { number: Number(number), sequence: BigInt(SequenceNumber) };
      const last = view.lastOfKey.get(PartitionKey);
      if (last && (now.number <= last.number || now.sequence <= last.sequence))
        this.breaches.push(`order: ${at} came after number ${last.number}`);
      view.lastOfKey.set(PartitionKey, now);
    }
  }

  /** Every breach so far, once all readers have caught up with all of `readers`. */
  check(readers: readonly string[]): string[] {
    const breaches = [...this.breaches];
    const [first = new ReaderView(), ...others] = readers.map(
      (name) => this.views.get(name) ?? new ReaderView(),
    );
    for (const [id, place] of this.acked)
      if (first.given.get(id) !== place) breaches.push(`lost: ${id}, acked as ${place}`);
    for (const [i, view] of others.entries()) {
      if (view.given.size !== first.given.size)
        breaches.push(`differs: ${readers[i + 1]} has ${view.given.size}`);
      for (const [id, place] of first.given)
        if (view.given.get(id) !== place) breaches.push(`differs: ${readers[i + 1]} has not ${id}`);
    }
    return breaches;
  }
}

/** A writer of keys of its own; `stopped` is set before the server is killed. */
export interface LineageLoad {
  readonly lineage: Lineage;
  readonly stream: string;
  stopped: boolean;
}

/** PutRecords one after the other, until the load is stopped. A refusal while the server runs is a breach. */
export async function lineageWriter(
  load: LineageLoad,
  client: KinesisClient,
  writer: string,
  seed: number,
): Promise<void> {
  const random = seededRandom(seed);
  while (!load.stopped) {
    const ids = Array.from({ length: 1 + (random.uint32() % RECORDS_MAX) }, () =>
      load.lineage.send(`${writer}-${random.uint32() % KEYS}`),
    );
    const Records = ids.map((id) => ({
      PartitionKey: id.split(":")[0],
      Data: Buffer.from(`${id}|${"x".repeat(random.uint32() % PADDING_MAX)}`),
    }));
    try {
      const answer = await client.send(new PutRecordsCommand({ StreamName: load.stream, Records }));
      answer.Records?.forEach(({ ShardId = "", SequenceNumber, ErrorCode }, i) => {
        if (SequenceNumber === undefined) load.lineage.breaches.push(`refused: ${ids[i]}: ${ErrorCode}`);
        else load.lineage.ack(ids[i] as string, ShardId, SequenceNumber);
      });
    } catch (error) {
      if (!load.stopped) load.lineage.breaches.push(`refused: ${error}`);
      return;
    }
  }
}
