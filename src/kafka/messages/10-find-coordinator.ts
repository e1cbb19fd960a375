/** FindCoordinator: which broker looks after a group or transaction. From version 4 on it asks for many at once. */
import { array, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-6", flexible: "3+" };

export const FindCoordinatorRequest = message("FindCoordinatorRequest", ranges, {
  key: string("0-3", { default: "" }),
  keyType: int8("1+", { default: 0 }),
  coordinatorKeys: array("4+", string()),
});

export const FindCoordinatorResponse = message("FindCoordinatorResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  errorCode: int16("0-3"),
  errorMessage: string("1-3", { nullable: "1-3" }),
  nodeId: int32("0-3"),
  host: string("0-3"),
  port: int32("0-3"),
  coordinators: array("4+", {
    key: string("4+"),
    nodeId: int32("4+"),
    host: string("4+"),
    port: int32("4+"),
    errorCode: int16("4+"),
    errorMessage: string("4+", { nullable: "4+" }),
  }),
});

export const FindCoordinator = {
  key: 10,
  name: "FindCoordinator",
  request: FindCoordinatorRequest,
  reply: FindCoordinatorResponse,
};
