/**
 * What writers sent and what they were told, kept outside the data folder, and the check of a whole log against it:
 *
 *   every acked record is there once, at its offset, with its bytes        else "lost"
 *   offsets are 0, 1, 2, … without a gap                                   else "gap"
 *   nothing is there that was never sent                                   else "foreign"
 *   nothing is there twice                                                 else "duplicate"
 *   a writer's records lie in the order in which it sent them              else "order"
 *   what an earlier read saw is there unchanged                            else "changed"
 *
 * A record that was sent and not acked may be there, once, or not.
 */
const ID = /^(\w+):(\d+):/;

/** A record as a reader sees it. */
export interface SeenRecord {
  offset: number;
  value: Buffer | null;
}

export class History {
  /** Hash of each sent value by its id, "writer:number". */
  private sent = new Map<string, bigint>();
  /** Per partition: the id that was acked at each offset. */
  private acked = new Map<number, Map<number, string>>();
  /** Per partition: hashes of what consumers and the last check saw, by offset. */
  private seen = new Map<number, bigint[]>();
  private readonly writers = new Map<string, number>();
  /**
   * The power is being cut: what comes from now on counts for nothing, until it is set back. A real machine says nothing
   * any more; this one still runs, and its kernel may answer 0 to a sync that was under way when the journal was
   * aborted (jbd2_complete_transaction finds a transaction that is neither running nor committing).
   */
  powerIsOff = false;
  /** Refusals while the server ran: there is no reason for any. */
  readonly refused: string[] = [];

  get sentCount(): number {
    return this.sent.size;
  }

  get ackedCount(): number {
    return this.acked.values().reduce((sum, offsets) => sum + offsets.size, 0);
  }

  /** The value of `writer`'s next record, to be sent now: its id and then `payload`. */
  send(writer: string, payload: Uint8Array): Buffer {
    const number = this.writers.get(writer) ?? 0;
    this.writers.set(writer, number + 1);
    const id = `${writer}:${number}`;
    const value = Buffer.concat([Buffer.from(`${id}:`), payload]);
    this.sent.set(id, hashOf(value));
    return value;
  }

  /** The server said that `value` lies at `offset`. */
  ack(partition: number, offset: number, value: Buffer): void {
    if (this.powerIsOff) return;
    let offsets = this.acked.get(partition);
    if (!offsets) this.acked.set(partition, (offsets = new Map()));
    const id = idOf(value) as string;
    const other = offsets.get(offset);
    if (other !== undefined)
      this.refused.push(`${id} and ${other} were both acked at ${partition}/${offset}`);
    offsets.set(offset, id);
  }

  /** How many records of a partition were seen: where a consumer goes on. */
  seenCount(partition: number): number {
    return this.seen.get(partition)?.length ?? 0;
  }

  /** A consumer saw these records, which follow what was seen of the partition before. */
  see(partition: number, records: readonly SeenRecord[]): void {
    if (this.powerIsOff) return;
    const seen = this.seen.get(partition) ?? [];
    this.seen.set(partition, seen);
    for (const { offset, value } of records) {
      if (offset !== seen.length)
        this.refused.push(`gap: a consumer was given ${partition}/${offset} after ${seen.length - 1}`);
      seen.push(value ? hashOf(value) : 0n);
    }
  }

  /** What was acked and seen until now, to be checked later: what is sent later counts as sent. */
  snapshot(): History {
    const copy = new History();
    copy.sent = this.sent;
    copy.acked = new Map(this.acked.entries().map(([partition, offsets]) => [partition, new Map(offsets)]));
    copy.seen = new Map(this.seen.entries().map(([partition, hashes]) => [partition, [...hashes]]));
    copy.refused.push(...this.refused);
    return copy;
  }

  /** All that was acked: partition and offset. */
  *acks(): Iterable<[partition: number, offset: number]> {
    for (const [partition, offsets] of this.acked)
      for (const offset of offsets.keys()) yield [partition, offset];
  }

  /** The same records sent, of the acked ones those that `counts` says, and nothing seen. */
  withAcked(counts: (partition: number, offset: number) => boolean): History {
    const copy = new History();
    copy.sent = this.sent;
    for (const [partition, offsets] of this.acked) {
      const kept = offsets.entries().filter(([offset]) => counts(partition, offset));
      copy.acked.set(partition, new Map(kept));
    }
    return copy;
  }

  /** Checks all records of every partition, in the order in which they were read; one sentence per breach. */
  check(partitions: ReadonlyMap<number, readonly SeenRecord[]>): string[] {
    const breaches = [...this.refused];
    const found = new Set<string>();
    for (const partition of this.acked.keys())
      if (!partitions.has(partition)) breaches.push(`lost: partition ${partition} was not read`);
    for (const [partition, records] of partitions) {
      this.checkPartition(partition, records, found, breaches);
      this.checkAcked(partition, records, breaches);
      this.checkUnchanged(partition, records, breaches);
    }
    return breaches;
  }

  private checkPartition(
    partition: number,
    records: readonly SeenRecord[],
    found: Set<string>,
    breaches: string[],
  ): void {
    const last = new Map<string, number>();
    let next = 0;
    for (const { offset, value } of records) {
      const at = `${partition}/${offset}`;
      if (offset !== next) breaches.push(`gap: ${at} stands where ${next} belongs`);
      next = offset + 1;
      const id = value && idOf(value);
      if (!id || this.sent.get(id) !== hashOf(value)) {
        breaches.push(`foreign: ${at} holds what was never sent (${id ?? "no id"})`);
        continue;
      }
      if (found.has(id)) breaches.push(`duplicate: ${at} holds ${id} again`);
      found.add(id);
      const [writer = "", number = ""] = id.split(":");
      if (Number(number) <= (last.get(writer) ?? -1))
        breaches.push(`order: ${at} holds ${id} after ${last.get(writer)}`);
      last.set(writer, Number(number));
    }
  }

  private checkAcked(partition: number, records: readonly SeenRecord[], breaches: string[]): void {
    const byOffset = new Map(records.map(({ offset, value }) => [offset, value && idOf(value)]));
    for (const [offset, id] of this.acked.get(partition) ?? []) {
      const there = byOffset.get(offset);
      if (there !== id)
        breaches.push(`lost: ${id} was acked at ${partition}/${offset}, where ${there ?? "nothing"} is`);
    }
  }

  private checkUnchanged(partition: number, records: readonly SeenRecord[], breaches: string[]): void {
    const hashes = records.map(({ value }) => (value ? hashOf(value) : 0n));
    this.seen.get(partition)?.forEach((hash, i) => {
      if (hashes[i] !== hash) breaches.push(`changed: ${partition}/${i} is not what was read before`);
    });
    this.seen.set(partition, hashes);
  }
}

function idOf(value: Buffer): string | undefined {
  const [, writer, number] = ID.exec(value.toString("latin1", 0, 40)) ?? [];
  return writer === undefined ? undefined : `${writer}:${number}`;
}

function hashOf(value: Buffer): bigint {
  return Bun.hash(value) as bigint;
}
