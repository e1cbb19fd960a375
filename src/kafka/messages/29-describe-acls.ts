/** DescribeAcls: the ACL entries that a filter means. 1 stands for any, a null text too. */
import { array, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "1-3", flexible: "2+" };
const LITERAL = 3;

export const DescribeAclsRequest = message("DescribeAclsRequest", ranges, {
  resourceTypeFilter: int8("0+"),
  resourceNameFilter: string("0+", { nullable: "0+" }),
  patternTypeFilter: int8("1+", { default: LITERAL }),
  principalFilter: string("0+", { nullable: "0+" }),
  hostFilter: string("0+", { nullable: "0+" }),
  operation: int8("0+"),
  permissionType: int8("0+"),
});

export const DescribeAclsResponse = message("DescribeAclsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  errorMessage: string("0+", { nullable: "0+" }),
  resources: array("0+", {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    patternType: int8("1+", { default: LITERAL }),
    acls: array("0+", {
      principal: string("0+"),
      host: string("0+"),
      operation: int8("0+"),
      permissionType: int8("0+"),
    }),
  }),
});

export const DescribeAcls = {
  key: 29,
  name: "DescribeAcls",
  request: DescribeAclsRequest,
  reply: DescribeAclsResponse,
};
