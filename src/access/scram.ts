/**
 * SCRAM (RFC 5802, RFC 7677) as mathematics: what is stored of a password, and how a proof is checked against it.
 * No messages, no state, no password kept. Names and passwords are taken as UTF-8, as Kafka's clients do.
 *
 *   SaltedPassword = PBKDF2(password, salt, iterations)
 *   ClientKey      = HMAC(SaltedPassword, "Client Key")      StoredKey = H(ClientKey)
 *   ServerKey      = HMAC(SaltedPassword, "Server Key")
 *   ClientProof    = ClientKey XOR HMAC(StoredKey, AuthMessage)
 *   ServerSignature = HMAC(ServerKey, AuthMessage)
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export const SCRAM_MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
export type ScramMechanism = (typeof SCRAM_MECHANISMS)[number];

/** What a broker keeps of a password: enough to check a proof, too little to make one. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The bounds that Kafka's brokers set (ScramMechanism.java); RFC 7677 asks for 4096 at least. */
export const SCRAM_ITERATIONS_MIN = 4096;
export const SCRAM_ITERATIONS_MAX = 16384;

const HASHES = {
  "SCRAM-SHA-256": { name: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { name: "sha512", bytes: 64 },
} as const;

const derive = promisify(pbkdf2);

/** SaltedPassword, computed off the event loop. */
export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  const { name, bytes } = HASHES[mechanism];
  return derive(Buffer.from(password, "utf8"), salt, iterations, bytes, name);
}

/** The credential of a salted password, which is also what AlterUserScramCredentials (KIP-554) sends. */
export function credentialOf(
  mechanism: ScramMechanism,
  salted: Buffer,
  salt: Buffer,
  iterations: number,
): ScramCredential {
  const storedKey = hash(mechanism, hmac(mechanism, salted, "Client Key"));
  return { salt, iterations, storedKey, serverKey: hmac(mechanism, salted, "Server Key") };
}

/** Whether `proof` was made with the password of `credential` over `authMessage`; in constant time. */
export function proofMatches(
  mechanism: ScramMechanism,
  credential: ScramCredential,
  authMessage: string,
  proof: Buffer,
): boolean {
  const signature = hmac(mechanism, credential.storedKey, authMessage);
  // A wrong length is the sender's own doing and tells it nothing.
  if (proof.length !== signature.length) return false;
  const clientKey = xor(signature, proof);
  return timingSafeEqual(hash(mechanism, clientKey), credential.storedKey);
}

/** What a client sends to prove that it knows the password; for clients and tests. */
export function clientProof(mechanism: ScramMechanism, salted: Buffer, authMessage: string): Buffer {
  const clientKey = hmac(mechanism, salted, "Client Key");
  return xor(hmac(mechanism, hash(mechanism, clientKey), authMessage), clientKey);
}

/** What the server proves itself with. */
export function serverSignature(
  mechanism: ScramMechanism,
  { serverKey }: ScramCredential,
  authMessage: string,
): Buffer {
  return hmac(mechanism, serverKey, authMessage);
}

/**
 * A credential for a name that has none: the same for the same name every time, so that asking twice does not tell
 * an unknown user from a known one. No proof matches it.
 */
export function decoyCredential(
  mechanism: ScramMechanism,
  secret: Buffer,
  name: string,
  like: { saltBytes: number; iterations: number },
): ScramCredential {
  const part = (label: string) => hmac(mechanism, secret, `${label} ${mechanism} ${name}`);
  return {
    salt: part("salt").subarray(0, like.saltBytes),
    iterations: like.iterations,
    storedKey: part("stored key"),
    serverKey: part("server key"),
  };
}

function hash(mechanism: ScramMechanism, bytes: Buffer): Buffer {
  return createHash(HASHES[mechanism].name).update(bytes).digest();
}

function hmac(mechanism: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(HASHES[mechanism].name, key).update(text, "utf8").digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] as number)));
}
