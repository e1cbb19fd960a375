/** FindCoordinator: this broker looks after every group. There are no transactions and no share groups. */
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { NODE_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type { FindCoordinatorRequest, FindCoordinatorResponse } from "../messages/10-find-coordinator.ts";

const KEY_TYPE_GROUP = 0;
const KEY_TYPE_TRANSACTION = 1;

export const findCoordinatorHandler: Handler<
  BodyOf<typeof FindCoordinatorRequest>,
  InputOf<typeof FindCoordinatorResponse>
> = (request, call) => {
  const coordinator = coordinatorFor(request.keyType, call);
  return { ...coordinator, coordinators: request.coordinatorKeys.map((key) => ({ ...coordinator, key })) };
};

function coordinatorFor(keyType: number, call: Call) {
  if (keyType === KEY_TYPE_GROUP) {
    return { nodeId: NODE_ID, ...call.owner.advertised, errorCode: KafkaError.none, errorMessage: null };
  }
  const errorMessage =
    keyType === KEY_TYPE_TRANSACTION
      ? "voik has no transactions: leave transactional.id unset"
      : `there are no coordinators of type ${keyType} here`;
  return { nodeId: -1, host: "", port: -1, errorCode: KafkaError.invalidRequest, errorMessage };
}
