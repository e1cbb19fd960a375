/**
 * AlterUserScramCredentials: passwords set and deleted, one answer a user. They come salted and hashed, never as they
 * are; a user that is new is made. As in Kafka, a user is named once in a request.
 */
import { credentialOf } from "../../access/scram.ts";
import { SECURITY_DISABLED } from "../acl-codes.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { KafkaContext } from "../context.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from "../messages/51-alter-user-scram-credentials.ts";
import { scramMechanismOf } from "../scram-codes.ts";

type Request = BodyOf<typeof AlterUserScramCredentialsRequest>;
type Result = InputOf<typeof AlterUserScramCredentialsResponse>["results"][number];
type Change = Request["deletions"][number] | Request["upsertions"][number];

export const alterUserScramCredentialsHandler: Handler<
  Request,
  InputOf<typeof AlterUserScramCredentialsResponse>
> = ({ deletions, upsertions }, { context }) => {
  const changes = Map.groupBy([...deletions, ...upsertions] as Change[], ({ name }) => name);
  return { results: [...changes].map(([user, [change, ...more]]) => alter(context, user, change, more)) };
};

function alter({ access }: KafkaContext, user: string, change: Change | undefined, more: Change[]): Result {
  const refuse = (errorCode: KafkaError, errorMessage: string) => ({ user, errorCode, errorMessage });
  if (!access.enforcing) return { user, ...SECURITY_DISABLED };
  if (change === undefined || more.length > 0)
    return refuse(KafkaError.duplicateResource, "the user is named more than once in one request");
  const mechanism = scramMechanismOf(change.mechanism);
  if (mechanism === undefined)
    return refuse(KafkaError.unsupportedSaslMechanism, `there is no SCRAM mechanism ${change.mechanism}`);
  try {
    if ("salt" in change) {
      const { salt, saltedPassword, iterations } = change;
      if (salt.length === 0 || saltedPassword.length === 0)
        return refuse(KafkaError.unacceptableCredential, "salt and salted password are not to be empty");
      // What is kept is not to be a view of the frame.
      const credential = credentialOf(mechanism, saltedPassword, Buffer.from(salt), iterations);
      access.users.setScramCredential(user, mechanism, credential);
    } else if (!access.users.deleteScramCredential(user, mechanism)) {
      return refuse(KafkaError.resourceNotFound, "the user has no password for this mechanism");
    }
    return { user, errorCode: KafkaError.none, errorMessage: null };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal.errorCode !== KafkaError.invalidRequest) return { user, ...refusal };
    return refuse(KafkaError.unacceptableCredential, refusal.errorMessage);
  }
}
