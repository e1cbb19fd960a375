/**
 * What comes and goes by the thousand, in no order. A Set would do, but for the collector: when JavaScriptCore tidies
 * up a Set or a Map, the old table points to the new one, so a table that has outlived one small collection keeps all
 * later ones, with what was in them then, until the next full one. A server whose open connections were in a Set had
 * 28,000 of 50,000 closed ones in memory. Here nothing points on.
 */
import { assert } from "./assert.ts";

/** Whatever can be in one roster at a time. */
export interface RosterMember {
  /** Where it stands, -1 while it is in none. Only the roster touches it. */
  rosterIndex: number;
}

export class Roster<Member extends RosterMember> {
  /** All members; changes as they come and go, so copy it before walking where any may go meanwhile. */
  readonly members: Member[] = [];

  get size(): number {
    return this.members.length;
  }

  add(member: Member): void {
    assert(member.rosterIndex === -1, "is in one roster at a time");
    member.rosterIndex = this.members.length;
    this.members.push(member);
  }

  /** Takes it out; the last one moves to its place. */
  remove(member: Member): void {
    const last = this.members.pop();
    assert(last !== undefined && member.rosterIndex !== -1, "is in the roster");
    if (last !== member) {
      last.rosterIndex = member.rosterIndex;
      this.members[member.rosterIndex] = last;
    }
    member.rosterIndex = -1;
  }
}
