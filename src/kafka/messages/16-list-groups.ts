/** ListGroups: all groups. Version 3 brings flexible fields, 4 states (KIP-518), 5 types (KIP-848). */
import { array, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "3+" };

export const ListGroupsRequest = message("ListGroupsRequest", ranges, {
  statesFilter: array("4+", string()),
  typesFilter: array("5+", string()),
});

export const ListGroupsResponse = message("ListGroupsResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  errorCode: int16("0+"),
  groups: array("0+", {
    groupId: string("0+"),
    protocolType: string("0+"),
    groupState: string("4+"),
    groupType: string("5+"),
  }),
});

export const ListGroups = {
  key: 16,
  name: "ListGroups",
  request: ListGroupsRequest,
  reply: ListGroupsResponse,
};
