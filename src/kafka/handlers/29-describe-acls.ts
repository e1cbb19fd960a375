/** DescribeAcls: the entries that a filter means, by resource. */
import { aclFilterOf, SECURITY_DISABLED, wireAclOf, wireResourceOf } from "../acl-codes.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type { DescribeAclsRequest, DescribeAclsResponse } from "../messages/29-describe-acls.ts";

export const describeAclsHandler: Handler<
  BodyOf<typeof DescribeAclsRequest>,
  InputOf<typeof DescribeAclsResponse>
> = (filter, { context: { access } }) => {
  if (!access.enforcing) return { ...SECURITY_DISABLED, resources: [] };
  try {
    const entries = access.acls.list(aclFilterOf(filter));
    const byResource = Map.groupBy(entries, (entry) => JSON.stringify(wireResourceOf(entry)));
    const resources = [...byResource].map(([resource, ofResource]) => ({
      ...(JSON.parse(resource) as ReturnType<typeof wireResourceOf>),
      acls: ofResource.map(wireAclOf),
    }));
    return { errorCode: KafkaError.none, errorMessage: null, resources };
  } catch (error) {
    return { ...refusalOf(error), resources: [] };
  }
};
