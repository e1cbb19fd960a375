/**
 * The server's side of SCRAM (RFC 5802) for one login:
 *
 *   client   n,,n=user,r=<client nonce>
 *   server   r=<client nonce><server nonce>,s=<salt>,i=<iterations>
 *   client   c=<gs2 header>,r=<both nonces>,p=<proof>
 *   server   v=<signature>
 *
 * The proof covers all four parts, so a nonce, salt or iteration count changed on the way fails it. Channel binding
 * is not offered: a client that demands it is refused, one that would have liked it is not.
 */
import type { Users } from "../../access/access.ts";
import {
  proofMatches,
  type ScramCredential,
  type ScramMechanism,
  serverSignature,
} from "../../access/scram.ts";
import type { Random } from "../../base/random.ts";
import type { Exchange, Step } from "./exchange.ts";

const NONCE_BYTES = 18;
// A mandatory extension of the future ("m=") would stand before the name, and then this does not match.
const CLIENT_FIRST = /^([ny],(?:a=([^,]*))?,)n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?$/s;
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^,]*)*),p=([A-Za-z0-9+/=]+)$/s;

/** What the first message settled. */
interface Begun {
  user: string;
  credential: ScramCredential;
  gs2Header: string;
  clientNonce: string;
  /** The client's and the server's. */
  nonce: string;
  /** The client's first message without its header, and the server's. */
  soFar: string;
}

export function scramExchange(mechanism: ScramMechanism, users: Users, random: Random): Exchange {
  let begun: Begun | undefined;
  let over = false;

  function begin(message: string): Step {
    const match = CLIENT_FIRST.exec(message);
    if (match === null) return undefined;
    const [, gs2Header = "", actFor, name = "", clientNonce = ""] = match;
    if (actFor !== undefined && actFor !== name) return undefined;
    const user = name.replaceAll("=2C", ",").replaceAll("=3D", "=");
    const credential = users.scramCredential(user, mechanism) ?? users.decoyCredential(user, mechanism);
    const nonce = clientNonce + random.bytes(NONCE_BYTES).toString("base64");
    const answer = `r=${nonce},s=${credential.salt.toString("base64")},i=${credential.iterations}`;
    begun = {
      user,
      credential,
      gs2Header,
      clientNonce,
      nonce,
      soFar: `${message.slice(gs2Header.length)},${answer}`,
    };
    return { answer: Buffer.from(answer) };
  }

  function finish(begun: Begun, message: string): Step {
    const { user, credential, gs2Header, clientNonce, nonce, soFar } = begun;
    const [, withoutProof, binding = "", repeated, proof = ""] = CLIENT_FINAL.exec(message) ?? [];
    // librdkafka before 2.6.1 puts its own nonce before it a second time (its pull request 4895).
    if (repeated !== nonce && repeated !== clientNonce + nonce) return undefined;
    if (Buffer.from(binding, "base64").toString() !== gs2Header) return undefined;
    const authMessage = `${soFar},${withoutProof}`;
    const right = proofMatches(mechanism, credential, authMessage, Buffer.from(proof, "base64"));
    if (!right) return undefined;
    const signature = serverSignature(mechanism, credential, authMessage);
    return { answer: Buffer.from(`v=${signature.toString("base64")}`), user };
  }

  return {
    step(bytes) {
      if (over) return undefined;
      const message = bytes.toString("utf8");
      if (begun === undefined) return begin(message);
      over = true;
      return finish(begun, message);
    },
  };
}
