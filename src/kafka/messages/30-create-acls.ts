/** CreateAcls: adds ACL entries, each with an answer of its own. */
import { array, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "1-3", flexible: "2+" };
const LITERAL = 3;

export const CreateAclsRequest = message("CreateAclsRequest", ranges, {
  creations: array("0+", {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    resourcePatternType: int8("1+", { default: LITERAL }),
    principal: string("0+"),
    host: string("0+"),
    operation: int8("0+"),
    permissionType: int8("0+"),
  }),
});

export const CreateAclsResponse = message("CreateAclsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  results: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
  }),
});

export const CreateAcls = {
  key: 30,
  name: "CreateAcls",
  request: CreateAclsRequest,
  reply: CreateAclsResponse,
};
