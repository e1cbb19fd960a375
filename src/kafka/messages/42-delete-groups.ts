/**
 * DeleteGroups: forgets groups without members, with their offsets (KIP-229). Version 2 brings flexible fields.
 */
import { array, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-2", flexible: "2+" };

export const DeleteGroupsRequest = message("DeleteGroupsRequest", ranges, {
  groupsNames: array("0+", string()),
});

export const DeleteGroupsResponse = message("DeleteGroupsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  results: array("0+", { groupId: string("0+"), errorCode: int16("0+") }),
});

export const DeleteGroups = {
  key: 42,
  name: "DeleteGroups",
  request: DeleteGroupsRequest,
  reply: DeleteGroupsResponse,
};
