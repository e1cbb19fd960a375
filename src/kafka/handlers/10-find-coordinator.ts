/** FindCoordinator: this broker looks after every group and every transaction. There are no share groups. */
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { NODE_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type { FindCoordinatorRequest, FindCoordinatorResponse } from "../messages/10-find-coordinator.ts";

const KEY_TYPES_WITH_COORDINATOR: ReadonlySet<number> = new Set([0, 1]); // groups, transactions

export const findCoordinatorHandler: Handler<
  BodyOf<typeof FindCoordinatorRequest>,
  InputOf<typeof FindCoordinatorResponse>
> = (request, call) => {
  const coordinator = coordinatorFor(request.keyType, call);
  return { ...coordinator, coordinators: request.coordinatorKeys.map((key) => ({ ...coordinator, key })) };
};

function coordinatorFor(keyType: number, call: Call) {
  if (KEY_TYPES_WITH_COORDINATOR.has(keyType)) {
    return { nodeId: NODE_ID, ...call.owner.advertised, errorCode: KafkaError.none, errorMessage: null };
  }
  const errorMessage = `there are no coordinators of type ${keyType} here`;
  return { nodeId: -1, host: "", port: -1, errorCode: KafkaError.invalidRequest, errorMessage };
}
