/**
 * SaslAuthenticate: one step of a login. A failed login is answered late, with one text whatever the cause, and ends
 * the connection, so that guessing passwords costs a connection and a while for each guess.
 */
import { principalOf } from "../../access/acl.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { EMPTY_BYTES } from "../codec/reader.ts";
import { KafkaError } from "../errors.ts";
import type { SaslAuthenticateRequest, SaslAuthenticateResponse } from "../messages/36-sasl-authenticate.ts";

type Reply = InputOf<typeof SaslAuthenticateResponse>;

const FAILED_LOGIN_DELAY_MS = 100;

const refusal = (errorCode: KafkaError, errorMessage: string): Reply => ({
  errorCode,
  errorMessage,
  authBytes: EMPTY_BYTES,
});

export const saslAuthenticateHandler: Handler<BodyOf<typeof SaslAuthenticateRequest>, Reply> = async (
  { authBytes },
  call,
) => {
  const { session } = call.owner;
  if (session.exchange === undefined) {
    if (!session.ready) call.owner.endAfterReplies("login", "SaslAuthenticate before SaslHandshake");
    return refusal(KafkaError.illegalSaslState, "SaslHandshake comes first, and a login is made once");
  }
  const step = await session.exchange.step(authBytes);
  if (step === undefined) return fail(call);
  if (step.user === undefined)
    return { errorCode: KafkaError.none, errorMessage: null, authBytes: step.answer };
  // A connection is one user's: its groups and transactions are.
  if (session.ready && principalOf(step.user) !== session.principal) return fail(call);
  const { clock, security } = call.context;
  const { sessionLifetimeMs } = security;
  session.logIn(step.user, clock.monotonicMs() + sessionLifetimeMs);
  call.owner.onLoggedIn();
  return {
    errorCode: KafkaError.none,
    errorMessage: null,
    authBytes: step.answer,
    sessionLifetimeMs: Number.isFinite(sessionLifetimeMs) ? sessionLifetimeMs : 0,
  };
};

async function fail({ context, owner }: Call): Promise<Reply> {
  const { mechanism } = owner.session;
  owner.session.exchange = undefined;
  context.metrics.failedLogins.add();
  await new Promise<void>((resolve) => {
    context.clock.after(FAILED_LOGIN_DELAY_MS, resolve);
  });
  owner.endAfterReplies("login", `a login with ${mechanism} failed`);
  return refusal(
    KafkaError.saslAuthenticationFailed,
    `Authentication failed: invalid credentials with SASL mechanism ${mechanism}`,
  );
}
