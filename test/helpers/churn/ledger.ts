/**
 * What the members of a churning group did, and the rules that they found broken:
 *
 *   nobody is given a partition in a generation in which another member was given it
 *   nobody is given a partition that another living member still reads
 *   a new owner begins where the last commit that was acknowledged ended: nothing skipped, nothing read twice
 *   commits that were acknowledged follow one another without a gap
 *
 * A commit whose answer a member did not live to hear may count or not. Times are those of performance.now().
 */
export interface Handover {
  /** How long nobody read the partition. */
  ms: number;
  /** Whether the group had a member then that had died without a word, and was waited for. */
  waitedForDead: boolean;
}

export class ChurnLedger {
  readonly broken: string[] = [];
  /** How long it took until each partition was read for the first time: nobody handed it over. */
  readonly firstMs: number[] = [];
  readonly handovers: Handover[] = [];
  /** End of what was committed, by partition. */
  readonly ends: number[];
  /** Partitions that nobody has read yet. */
  private readonly unread: Set<number>;
  private readonly owners = new Map<number, string>();
  private readonly freeSinceMs: number[];
  private readonly unheard: Set<number>[];
  private readonly claims = new Map<string, string>();
  private waitsUntilMs = 0;

  /** `patienceMs`: how long a group may wait for a member that it does not hear. */
  constructor(
    partitions: number,
    private readonly patienceMs: number,
  ) {
    this.ends = Array.from({ length: partitions }, () => 0);
    this.unread = new Set(this.ends.keys());
    this.freeSinceMs = Array.from({ length: partitions }, () => performance.now());
    this.unheard = Array.from({ length: partitions }, () => new Set<number>());
  }

  /** A member was given a partition, and learned that the group has read it up to `committed`. */
  claim(member: string, generation: number | undefined, partition: number, committed: number): void {
    if (generation !== undefined) {
      const key = `${generation}/${partition}`;
      const other = this.claims.get(key);
      if (other !== undefined && other !== member)
        this.broken.push(`partition ${partition} is ${other}'s and ${member}'s in generation ${generation}`);
      this.claims.set(key, member);
    }
    const owner = this.owners.get(partition);
    if (owner !== undefined && owner !== member)
      this.broken.push(`partition ${partition} is ${member}'s while ${owner} still reads it`);
    this.owners.set(partition, member);
    const end = this.ends[partition] as number;
    const unheard = this.unheard[partition] as Set<number>;
    if (committed !== end && !unheard.has(committed)) {
      const what = committed > end ? "skips" : "reads twice";
      this.broken.push(
        `${member} ${what} records of ${partition}: committed ${committed}, acknowledged ${end}`,
      );
    }
    this.ends[partition] = committed;
    unheard.clear();
    const [sinceMs, nowMs] = [this.freeSinceMs[partition] as number, performance.now()];
    if (this.unread.delete(partition)) this.firstMs.push(nowMs - sinceMs);
    else this.handovers.push({ ms: nowMs - sinceMs, waitedForDead: sinceMs < this.waitsUntilMs });
  }

  /** The member reads these no more. */
  release(member: string, partitions: Iterable<number>): void {
    for (const partition of partitions) {
      if (this.owners.get(partition) !== member) continue;
      this.owners.delete(partition);
      this.freeSinceMs[partition] = performance.now();
    }
  }

  /** Whether the group may still wait for one who has died. */
  get waitsForDead(): boolean {
    return performance.now() < this.waitsUntilMs;
  }

  /** The member is gone, and the group was not told. */
  died(member: string, partitions: Iterable<number>): void {
    this.release(member, partitions);
    this.waitsUntilMs = performance.now() + this.patienceMs;
  }

  /** A commit goes out; whether it counts will be heard, or not. */
  committing(partition: number, end: number): void {
    (this.unheard[partition] as Set<number>).add(end);
  }

  /** A commit was acknowledged. */
  committed(member: string, partition: number, from: number, end: number): void {
    if (from !== this.ends[partition])
      this.broken.push(
        `${member} committed ${from} to ${end} of ${partition}, behind ${this.ends[partition]}`,
      );
    this.ends[partition] = end;
    (this.unheard[partition] as Set<number>).delete(end);
  }

  /** A commit was refused. */
  refused(partition: number, end: number): void {
    (this.unheard[partition] as Set<number>).delete(end);
  }
}
