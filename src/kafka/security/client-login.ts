/**
 * The client's side of a login, for voik's command line and for tests: PLAIN, or SCRAM with the server's signature
 * checked, so that a stranger who does not have the credential is found out.
 */
import {
  clientProof,
  credentialOf,
  SCRAM_ITERATIONS_MAX,
  saltedPassword,
  serverSignature,
} from "../../access/scram.ts";
import { VoikError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import type { Decoded, Encodable, Fields } from "../codec/fields.ts";
import type { ApiMessages } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { SaslHandshake } from "../messages/17-sasl-handshake.ts";
import { SaslAuthenticate } from "../messages/36-sasl-authenticate.ts";
import type { Mechanism } from "./login.ts";

export interface ClientLogin {
  mechanism: Mechanism;
  user: string;
  password: string;
}

/** A connection that requests can be sent over. */
export interface Requester {
  request<RequestFields extends Fields, ReplyFields extends Fields>(
    messages: ApiMessages<RequestFields, ReplyFields>,
    body: Encodable<RequestFields>,
  ): Promise<Decoded<ReplyFields>>;
}

const NONCE_BYTES = 18;

/** Logs in. Throws VoikError argument_invalid with what the broker says against it. */
export async function logIn(client: Requester, login: ClientLogin): Promise<void> {
  const { mechanism, user, password } = login;
  const { errorCode, mechanisms } = await client.request(SaslHandshake, { mechanism });
  if (errorCode === KafkaError.illegalSaslState) throw refused("it wants none (--kafka-auth=none or tls)");
  if (errorCode !== 0) throw refused(`${mechanism}: error ${errorCode}, it offers ${mechanisms.join(", ")}`);
  const say = async (text: string): Promise<string> => {
    const reply = await client.request(SaslAuthenticate, { authBytes: Buffer.from(text) });
    if (reply.errorCode !== 0) throw refused(reply.errorMessage ?? `error ${reply.errorCode}`);
    return reply.authBytes.toString();
  };
  if (mechanism === "PLAIN") {
    await say(`\0${user}\0${password}`);
    return;
  }
  const name = user.replaceAll("=", "=3D").replaceAll(",", "=2C");
  const nonce = systemRandom.bytes(NONCE_BYTES).toString("base64");
  const first = `n=${name},r=${nonce}`;
  const serverFirst = await say(`n,,${first}`);
  const [, bothNonces = "", salt = "", rounds] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? [];
  const iterations = Number(rounds);
  if (!bothNonces.startsWith(nonce) || !(iterations <= SCRAM_ITERATIONS_MAX))
    throw refused("its answer to the first message of SCRAM makes no sense");
  const saltBytes = Buffer.from(salt, "base64");
  const salted = await saltedPassword(mechanism, password, saltBytes, iterations);
  const withoutProof = `c=biws,r=${bothNonces}`;
  const authMessage = `${first},${serverFirst},${withoutProof}`;
  const proof = clientProof(mechanism, salted, authMessage).toString("base64");
  const serverFinal = await say(`${withoutProof},p=${proof}`);
  const credential = credentialOf(mechanism, salted, saltBytes, iterations);
  const signature = serverSignature(mechanism, credential, authMessage).toString("base64");
  if (serverFinal !== `v=${signature}`) throw refused("it does not know the password itself");
}

function refused(why: string): VoikError {
  return new VoikError("argument_invalid", `the broker refuses the login: ${why}`);
}
