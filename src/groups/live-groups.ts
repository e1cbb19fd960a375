/**
 * The groups of one kind that somebody is in or about to be, in memory: each with one timer for what time alone changes,
 * the bytes of what its members say about themselves, and a note in the offset store of when the last member left.
 * Groups are values: an event's outcome is put in place of what was there.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { OffsetStore } from "./offset-store.ts";

interface LiveGroup {
  readonly id: string;
  readonly members: ReadonlyMap<string, unknown>;
}

export interface GroupCounts {
  readonly groups: number;
  readonly members: number;
}

/** What differs between the kinds of groups. */
export interface GroupKind<Group> {
  /** Whether anybody is in it or about to be. */
  isLive(group: Group): boolean;
  /** When time alone changes it next; undefined while it does not. */
  deadlineMs(group: Group): number | undefined;
  /** Bytes of what its members say about themselves, and of what they are told. */
  bytesOf(group: Group): number;
  /** What its members are, such as "consumer". */
  protocolTypeOf(group: Group): string | null;
  /** The deadline of the group with that id has come, or nearly so. */
  onDue(groupId: string): void;
}

export interface LiveGroupsParts {
  readonly offsets: Pick<OffsetStore, "setEmptySince">;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Entry<Group> {
  group: Group;
  bytes: number;
  timer: Timer | undefined;
  timerMs: number;
}

export class LiveGroups<Group extends LiveGroup> {
  /** Of all groups together. */
  bytes = 0;
  private readonly entries = new Map<string, Entry<Group>>();
  private stopped = false;

  constructor(
    private readonly parts: LiveGroupsParts,
    private readonly kind: GroupKind<Group>,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get counts(): GroupCounts {
    let members = 0;
    for (const { group } of this.entries.values()) members += group.members.size;
    return { groups: this.entries.size, members };
  }

  has(groupId: string): boolean {
    return this.entries.has(groupId);
  }

  get(groupId: string): Group | undefined {
    return this.entries.get(groupId)?.group;
  }

  all(): Group[] {
    return [...this.entries.values()].map(({ group }) => group);
  }

  /**
   * Takes a group as an event has left it, or lets go of it when it is not live any more. `sized`: the event may have changed
   * the bytes of members; those that come and go are seen here.
   */
  put(group: Group, sized: boolean): void {
    const before = this.entries.get(group.id);
    const membersBefore = before?.group.members.size ?? 0;
    const members = group.members.size;
    const entry = before ?? this.add(group);
    entry.group = group;
    if (sized || members !== membersBefore) this.account(entry, this.kind.bytesOf(group));
    if ((membersBefore === 0) !== (members === 0)) this.noteMembership(group);
    if (this.kind.isLive(group)) return this.arm(entry);
    entry.timer?.cancel();
    this.account(entry, 0);
    this.entries.delete(group.id);
  }

  /** No timer rings any more. */
  stop(): void {
    this.stopped = true;
    for (const { timer } of this.entries.values()) timer?.cancel();
  }

  private add(group: Group): Entry<Group> {
    const entry = { group, bytes: 0, timer: undefined, timerMs: Infinity };
    this.entries.set(group.id, entry);
    return entry;
  }

  private account(entry: Entry<Group>, bytes: number): void {
    this.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  private noteMembership(group: Group): void {
    const { id, members } = group;
    const { offsets, clock, logger } = this.parts;
    const emptySinceMs = members.size === 0 ? clock.nowMs() : undefined;
    offsets.setEmptySince(id, emptySinceMs, this.kind.protocolTypeOf(group)).catch((error: unknown) => {
      if (!(error instanceof VoikError)) throw error;
      logger.warn("a group's end could not be noted: its offsets may be kept longer", { group: id });
    });
  }

  /** One timer per group; it may ring early, then it finds nothing to do and is set again. */
  private arm(entry: Entry<Group>): void {
    const { id } = entry.group;
    const dueMs = this.kind.deadlineMs(entry.group) ?? Infinity;
    if (entry.timer && entry.timerMs <= dueMs) return;
    entry.timer?.cancel();
    entry.timer = undefined;
    if (dueMs === Infinity) return;
    const { clock } = this.parts;
    entry.timerMs = dueMs;
    entry.timer = clock.after(Math.max(0, Math.ceil(dueMs - clock.monotonicMs())), () => {
      entry.timer = undefined;
      if (this.entries.get(id) === entry && !this.stopped) this.kind.onDue(id);
    });
  }
}
