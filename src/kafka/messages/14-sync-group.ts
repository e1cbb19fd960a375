/**
 * SyncGroup: the leader tells who gets what, everybody else asks. Version 3 brings static members, 4 flexible fields, 5 the
 * protocol for comparison (KIP-559).
 */
import { array, bytes, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "4+" };

export const SyncGroupRequest = message("SyncGroupRequest", ranges, {
  groupId: string("0+"),
  generationId: int32("0+"),
  memberId: string("0+"),
  groupInstanceId: string("3+", { nullable: "3+", default: null }),
  protocolType: string("5+", { nullable: "5+", default: null }),
  protocolName: string("5+", { nullable: "5+", default: null }),
  assignments: array("0+", { memberId: string("0+"), assignment: bytes("0+") }),
});

export const SyncGroupResponse = message("SyncGroupResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  errorCode: int16("0+"),
  protocolType: string("5+", { nullable: "5+", default: null }),
  protocolName: string("5+", { nullable: "5+", default: null }),
  assignment: bytes("0+"),
});

export const SyncGroup = { key: 14, name: "SyncGroup", request: SyncGroupRequest, reply: SyncGroupResponse };
