/**
 * DescribeUserScramCredentials: which mechanisms users have a password for, and with how many rounds. As in Kafka without
 * an authorizer, anybody may ask where ACLs are not enforced: kafka-configs asks it for whatever it tells of users.
 */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from "../messages/50-describe-user-scram-credentials.ts";
import { SCRAM_CODE } from "../scram-codes.ts";

export const describeUserScramCredentialsHandler: Handler<
  BodyOf<typeof DescribeUserScramCredentialsRequest>,
  InputOf<typeof DescribeUserScramCredentialsResponse>
> = ({ users: wanted }, { context: { access } }) => {
  const { users } = access;
  const all = wanted === null || wanted.length === 0;
  const withPassword = () => users.list().filter(({ mechanisms }) => mechanisms.length > 0);
  const names = all ? withPassword().map(({ name }) => name) : wanted.map(({ name }) => name);
  const results = [...new Set(names)].map((user) => {
    const refuse = (errorCode: KafkaError, errorMessage: string) => ({
      user,
      errorCode,
      errorMessage,
      credentialInfos: [],
    });
    if (names.indexOf(user) !== names.lastIndexOf(user))
      return refuse(KafkaError.duplicateResource, "the user is named more than once in one request");
    const credentialInfos = (users.find(user)?.mechanisms ?? []).map((mechanism) => ({
      mechanism: SCRAM_CODE[mechanism],
      iterations: users.scramCredential(user, mechanism)?.iterations ?? 0,
    }));
    if (credentialInfos.length === 0)
      return refuse(KafkaError.resourceNotFound, "there is no such user with a password");
    return { user, errorCode: KafkaError.none, errorMessage: null, credentialInfos };
  });
  return { errorCode: KafkaError.none, errorMessage: null, results };
};
