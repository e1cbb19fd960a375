/**
 * JoinGroup: asks to be in a group, or to stay in it. Version 1 brings the rebalance timeout, 4 the round trip for a
 * member id (KIP-394), 5 static members (KIP-345), 6 flexible fields, 8 a reason (KIP-800), 9 a leader that may skip
 * assigning (KIP-814).
 */
import { array, bool, bytes, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-9", flexible: "6+" };

export const JoinGroupRequest = message("JoinGroupRequest", ranges, {
  groupId: string("0+"),
  sessionTimeoutMs: int32("0+"),
  rebalanceTimeoutMs: int32("1+", { default: -1 }),
  memberId: string("0+"),
  groupInstanceId: string("5+", { nullable: "5+", default: null }),
  protocolType: string("0+"),
  protocols: array("0+", { name: string("0+"), metadata: bytes("0+") }),
  reason: string("8+", { nullable: "8+", default: null }),
});

export const JoinGroupResponse = message("JoinGroupResponse", ranges, {
  throttleTimeMs: int32("2+", { default: 0 }),
  errorCode: int16("0+"),
  generationId: int32("0+", { default: -1 }),
  protocolType: string("7+", { nullable: "7+", default: null }),
  protocolName: string("0+", { nullable: "7+" }),
  leader: string("0+"),
  skipAssignment: bool("9+", { default: false }),
  memberId: string("0+"),
  members: array("0+", {
    memberId: string("0+"),
    groupInstanceId: string("5+", { nullable: "5+", default: null }),
    metadata: bytes("0+"),
  }),
});

export const JoinGroup = { key: 11, name: "JoinGroup", request: JoinGroupRequest, reply: JoinGroupResponse };
