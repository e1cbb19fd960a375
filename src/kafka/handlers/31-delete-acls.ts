/** DeleteAcls: what is deleted stays deleted after a crash, and holds no longer from the next request on. */
import { aclFilterOf, SECURITY_DISABLED, wireAclOf, wireResourceOf } from "../acl-codes.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type { DeleteAclsRequest, DeleteAclsResponse } from "../messages/31-delete-acls.ts";

export const deleteAclsHandler: Handler<
  BodyOf<typeof DeleteAclsRequest>,
  InputOf<typeof DeleteAclsResponse>
> = ({ filters }, { context: { access } }) => ({
  filterResults: filters.map((filter) => {
    if (!access.enforcing) return { ...SECURITY_DISABLED, matchingAcls: [] };
    try {
      const gone = access.acls.delete(aclFilterOf(filter));
      const matchingAcls = gone.map((entry) => ({
        errorMessage: null,
        ...wireResourceOf(entry),
        ...wireAclOf(entry),
      }));
      return { errorCode: KafkaError.none, errorMessage: null, matchingAcls };
    } catch (error) {
      return { ...refusalOf(error), matchingAcls: [] };
    }
  }),
});
