/** DeleteAcls: deletes the ACL entries that filters mean, and tells which these were. */
import { array, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "1-3", flexible: "2+" };
const LITERAL = 3;

export const DeleteAclsRequest = message("DeleteAclsRequest", ranges, {
  filters: array("0+", {
    resourceTypeFilter: int8("0+"),
    resourceNameFilter: string("0+", { nullable: "0+" }),
    patternTypeFilter: int8("1+", { default: LITERAL }),
    principalFilter: string("0+", { nullable: "0+" }),
    hostFilter: string("0+", { nullable: "0+" }),
    operation: int8("0+"),
    permissionType: int8("0+"),
  }),
});

export const DeleteAclsResponse = message("DeleteAclsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  filterResults: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    matchingAcls: array("0+", {
      errorCode: int16("0+", { default: 0 }),
      errorMessage: string("0+", { nullable: "0+" }),
      resourceType: int8("0+"),
      resourceName: string("0+"),
      patternType: int8("1+", { default: LITERAL }),
      principal: string("0+"),
      host: string("0+"),
      operation: int8("0+"),
      permissionType: int8("0+"),
    }),
  }),
});

export const DeleteAcls = {
  key: 31,
  name: "DeleteAcls",
  request: DeleteAclsRequest,
  reply: DeleteAclsResponse,
};
