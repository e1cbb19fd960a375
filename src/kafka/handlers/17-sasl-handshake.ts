/**
 * SaslHandshake: picks the mechanism of a login, or of a renewed one (KIP-368). Version 0, after which the mechanism's
 * messages come without Kafka's framing, is answered with UNSUPPORTED_VERSION: every client in use speaks version 1.
 */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { SaslHandshakeRequest, SaslHandshakeResponse } from "../messages/17-sasl-handshake.ts";
import { beginLogin, isMechanism, MECHANISMS } from "../security/login.ts";

type Reply = InputOf<typeof SaslHandshakeResponse>;

export const saslHandshakeHandler: Handler<BodyOf<typeof SaslHandshakeRequest>, Reply> = (
  { mechanism },
  { context, owner, version },
) => {
  const { session } = owner;
  if (context.security.auth !== "sasl" || (session.ready && !session.mayRenew)) {
    return { errorCode: KafkaError.illegalSaslState, mechanisms: [] };
  }
  const refuse = (errorCode: KafkaError): Reply => {
    owner.endAfterReplies("login", `SaslHandshake v${version} for a mechanism or version that is not spoken`);
    return { errorCode, mechanisms: MECHANISMS };
  };
  if (version === 0) return refuse(KafkaError.unsupportedVersion);
  if (!isMechanism(mechanism)) return refuse(KafkaError.unsupportedSaslMechanism);
  session.mechanism = mechanism;
  session.exchange = beginLogin(mechanism, context.access.users, context.random);
  return { errorCode: KafkaError.none, mechanisms: MECHANISMS };
};
