/** A member by the classic protocol (JoinGroup, SyncGroup): the leader deals the partitions out, anew each time. */
import { KafkaError } from "../../../src/kafka/errors.ts";
import { JoinGroup } from "../../../src/kafka/messages/11-join-group.ts";
import { Heartbeat } from "../../../src/kafka/messages/12-heartbeat.ts";
import { LeaveGroup } from "../../../src/kafka/messages/13-leave-group.ts";
import { SyncGroup } from "../../../src/kafka/messages/14-sync-group.ts";
import { ChurnMember, LOST } from "./member.ts";

const SESSION_MS = 6_000;
export const REBALANCE_MS = 4_000;
/** Who dies while it waits to join is waited for until the others have joined, and then for a session. */
export const PATIENCE_MS = REBALANCE_MS + SESSION_MS;
const PROTOCOL = { protocolType: "consumer", protocolName: "dealt" };
export const PARTITIONS = 32;

export class ClassicMember extends ChurnMember {
  private memberId = "";
  private generation = -1;

  protected override async join(): Promise<void> {
    while (!this.leaving) {
      const reply = await this.client.request(JoinGroup, {
        groupId: this.group.groupId,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        memberId: this.memberId,
        protocolType: PROTOCOL.protocolType,
        protocols: [{ name: PROTOCOL.protocolName, metadata: Buffer.alloc(0) }],
      });
      if (reply.errorCode === KafkaError.memberIdRequired) this.memberId = reply.memberId;
      else if (reply.errorCode === KafkaError.unknownMemberId) this.memberId = "";
      else if (reply.errorCode !== KafkaError.none) throw new Error(`JoinGroup: error ${reply.errorCode}`);
      else {
        this.memberId = reply.memberId;
        this.generation = reply.generationId;
        const ids = reply.leader === this.memberId ? reply.members.map(({ memberId }) => memberId) : [];
        if (await this.sync(ids)) return;
      }
    }
  }

  /** False when the group has begun to rebalance again. */
  private async sync(ids: readonly string[]): Promise<boolean> {
    const reply = await this.client.request(SyncGroup, {
      ...this.identityInGroup(),
      ...PROTOCOL,
      assignments: dealt(ids, this.generation),
    });
    if (reply.errorCode === KafkaError.unknownMemberId) this.memberId = "";
    if (LOST.includes(reply.errorCode)) return false;
    if (reply.errorCode !== KafkaError.none) throw new Error(`SyncGroup: error ${reply.errorCode}`);
    await this.take([...reply.assignment], this.generation);
    return true;
  }

  protected override async beat(): Promise<boolean> {
    const { errorCode } = await this.client.request(Heartbeat, this.identityInGroup());
    if (errorCode === KafkaError.unknownMemberId) this.memberId = "";
    if (LOST.includes(errorCode)) return false;
    if (errorCode !== KafkaError.none) throw new Error(`Heartbeat: error ${errorCode}`);
    return true;
  }

  protected override async goodbye(): Promise<void> {
    const { groupId } = this.group;
    const members = [{ memberId: this.memberId }];
    if (this.memberId !== "")
      await this.client.request(LeaveGroup, { groupId, memberId: this.memberId, members });
  }

  protected override identity() {
    return { memberId: this.memberId, generation: this.generation };
  }

  private identityInGroup() {
    return { groupId: this.group.groupId, memberId: this.memberId, generationId: this.generation };
  }
}

/** Deals the partitions out, a byte each, beginning with another member in each generation. */
function dealt(ids: readonly string[], generation: number): { memberId: string; assignment: Buffer }[] {
  return ids.map((memberId, i) => {
    const partitions: number[] = [];
    for (let p = 0; p < PARTITIONS; p++) if ((p + generation) % ids.length === i) partitions.push(p);
    return { memberId, assignment: Buffer.from(partitions) };
  });
}
