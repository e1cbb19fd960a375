/** FindCoordinator: there are no consumer groups and no transactions yet, and the answer says so. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { FindCoordinatorRequest, FindCoordinatorResponse } from "../messages/10-find-coordinator.ts";

const NONE = {
  nodeId: -1,
  host: "",
  port: -1,
  errorCode: KafkaError.coordinatorNotAvailable,
  errorMessage:
    "consumer groups are not there yet: assign partitions yourself (kcat -C -p, or assign() instead of subscribe())",
};

export const findCoordinatorHandler: Handler<
  BodyOf<typeof FindCoordinatorRequest>,
  InputOf<typeof FindCoordinatorResponse>
> = (request) => ({ ...NONE, coordinators: request.coordinatorKeys.map((key) => ({ ...NONE, key })) });
