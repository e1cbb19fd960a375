/** CreateAcls: each entry is durable before it is answered, and holds from the next request on. */
import { aclEntryOf, SECURITY_DISABLED } from "../acl-codes.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type { CreateAclsRequest, CreateAclsResponse } from "../messages/30-create-acls.ts";

export const createAclsHandler: Handler<
  BodyOf<typeof CreateAclsRequest>,
  InputOf<typeof CreateAclsResponse>
> = ({ creations }, { context: { access } }) => ({
  results: creations.map((creation) => {
    if (!access.enforcing) return SECURITY_DISABLED;
    try {
      access.acls.add([aclEntryOf(creation)]);
      return { errorCode: KafkaError.none, errorMessage: null };
    } catch (error) {
      return refusalOf(error);
    }
  }),
});
