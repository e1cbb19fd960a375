/** A member by KIP-848 (ConsumerGroupHeartbeat): the broker deals the partitions out, and moves those that have to move. */
import { randomId, systemRandom } from "../../../src/base/random.ts";
import { KafkaError } from "../../../src/kafka/errors.ts";
import { ConsumerGroupHeartbeat } from "../../../src/kafka/messages/68-consumer-group-heartbeat.ts";
import { ChurnMember, LOST } from "./member.ts";

/** The broker's own session timeout. */
export const PATIENCE_MS = 45_000;
const REBALANCE_MS = 10_000;
const LEAVE_EPOCH = -1;

export class ModernMember extends ChurnMember {
  private readonly memberId = randomId(systemRandom);
  private epoch = 0;

  protected override async join(): Promise<void> {
    this.epoch = 0;
    const more = { rebalanceTimeoutMs: REBALANCE_MS, subscribedTopicNames: [this.group.topic.name] };
    if (!(await this.tell({ topicPartitions: [], ...more })))
      throw new Error("a member that joins is refused");
  }

  protected override beat(): Promise<boolean> {
    return this.tell({ topicPartitions: this.owned() });
  }

  protected override async goodbye(): Promise<void> {
    this.release([...this.positions.keys()]);
    const { memberId } = this;
    await this.client.request(ConsumerGroupHeartbeat, {
      groupId: this.group.groupId,
      memberId,
      memberEpoch: LEAVE_EPOCH,
    });
  }

  protected override identity() {
    return { memberId: this.memberId, generation: this.epoch };
  }

  private owned() {
    return [{ topicId: this.group.topic.id, partitions: [...this.positions.keys()] }];
  }

  /** One heartbeat, and what it asks for done; false when the group has given the member up. */
  private async tell(
    more: Partial<Parameters<typeof ConsumerGroupHeartbeat.request.write>[2]>,
  ): Promise<boolean> {
    const { memberId, epoch: memberEpoch } = this;
    const { groupId } = this.group;
    const body = { groupId, memberId, memberEpoch, ...more };
    const reply = await this.client.request(ConsumerGroupHeartbeat, body);
    if (LOST.includes(reply.errorCode)) return false;
    if (reply.errorCode !== KafkaError.none)
      throw new Error(`ConsumerGroupHeartbeat: error ${reply.errorCode} ${reply.errorMessage}`);
    this.epoch = reply.memberEpoch;
    if (reply.assignment === null) return true;
    const wanted = new Set(reply.assignment.topicPartitions.flatMap(({ partitions }) => partitions));
    const gone = [...this.positions.keys()].filter((partition) => !wanted.has(partition));
    this.release(gone);
    await this.take([...wanted].filter((partition) => !this.positions.has(partition)));
    // What is given up is free for others once the broker knows.
    return gone.length === 0 || this.beat();
  }
}
