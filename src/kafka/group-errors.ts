/** Kafka's codes for what consumer groups refuse, and the wait of JoinGroup and SyncGroup as a Pending. */
import type { GroupFailure } from "../groups/group.ts";
import type { Waiting } from "../groups/groups.ts";
import type { Call, Pending } from "./call.ts";
import { KafkaError } from "./errors.ts";

const BY_FAILURE: Record<GroupFailure, KafkaError> = {
  group_id_invalid: KafkaError.invalidGroupId,
  session_timeout_invalid: KafkaError.invalidSessionTimeout,
  protocol_inconsistent: KafkaError.inconsistentGroupProtocol,
  group_full: KafkaError.groupMaxSizeReached,
  member_id_required: KafkaError.memberIdRequired,
  member_unknown: KafkaError.unknownMemberId,
  instance_fenced: KafkaError.fencedInstanceId,
  generation_illegal: KafkaError.illegalGeneration,
  rebalance_in_progress: KafkaError.rebalanceInProgress,
  group_not_found: KafkaError.groupIdNotFound,
  group_not_empty: KafkaError.nonEmptyGroup,
  limit_exceeded: KafkaError.policyViolation,
  // Retriable: the client looks for the coordinator again and finds the restarted broker.
  stopping: KafkaError.notCoordinator,
  request_invalid: KafkaError.invalidRequest,
  member_fenced: KafkaError.fencedMemberEpoch,
  member_stale: KafkaError.staleMemberEpoch,
  instance_unreleased: KafkaError.unreleasedInstanceId,
  assignor_unsupported: KafkaError.unsupportedAssignor,
  pattern_unsupported: KafkaError.invalidRegularExpression,
};

/** The code of a failure, or of none. */
export function groupErrorOf(failure: GroupFailure | undefined): KafkaError {
  return failure === undefined ? KafkaError.none : BY_FAILURE[failure];
}

/** Lets a request wait for its group: gives up when the client goes, answers `stopping` when the broker stops. */
export function waitForGroup(call: Call, waiting: Waiting, stopping: unknown): void {
  call.pending = {
    abort: () => waiting.cancel(),
    hurry() {
      waiting.cancel();
      if (!call.done) call.reply(stopping);
    },
    recheck() {},
  } satisfies Pending;
}
