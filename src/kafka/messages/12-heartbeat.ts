/**
 * Heartbeat: a member is alive, and hears of a rebalance. Version 3 brings static members, 4 flexible fields.
 */
import { int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-4", flexible: "4+" };

export const HeartbeatRequest = message("HeartbeatRequest", ranges, {
  groupId: string("0+"),
  generationId: int32("0+"),
  memberId: string("0+"),
  groupInstanceId: string("3+", { nullable: "3+", default: null }),
});

export const HeartbeatResponse = message("HeartbeatResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  errorCode: int16("0+"),
});

export const Heartbeat = { key: 12, name: "Heartbeat", request: HeartbeatRequest, reply: HeartbeatResponse };
