/** The SCRAM mathematics against the examples of RFC 7677 and of RFC 5802's construction. */
import { describe, expect, test } from "bun:test";
import {
  clientProof,
  credentialOf,
  decoyCredential,
  proofMatches,
  SCRAM_MECHANISMS,
  saltedPassword,
  serverSignature,
} from "../../src/access/scram.ts";

/** RFC 7677 section 3: user "user", password "pencil". */
const RFC7677 = {
  salt: Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"),
  iterations: 4096,
  authMessage: [
    "n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  ].join(","),
  proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  signature: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

describe("SCRAM", () => {
  test("gives the proof and the server's signature of RFC 7677", async () => {
    const { salt, iterations, authMessage, proof, signature } = RFC7677;
    const salted = await saltedPassword("SCRAM-SHA-256", "pencil", salt, iterations);
    const credential = credentialOf("SCRAM-SHA-256", salted, salt, iterations);
    expect(clientProof("SCRAM-SHA-256", salted, authMessage).toString("base64")).toBe(proof);
    expect(serverSignature("SCRAM-SHA-256", credential, authMessage).toString("base64")).toBe(signature);
    expect(proofMatches("SCRAM-SHA-256", credential, authMessage, Buffer.from(proof, "base64"))).toBeTrue();
  });

  test("refuses a proof with one bit changed, of another length, or over another message", async () => {
    const { salt, iterations, authMessage } = RFC7677;
    for (const mechanism of SCRAM_MECHANISMS) {
      const salted = await saltedPassword(mechanism, "pencil", salt, iterations);
      const credential = credentialOf(mechanism, salted, salt, iterations);
      const proof = clientProof(mechanism, salted, authMessage);
      expect(proofMatches(mechanism, credential, authMessage, proof)).toBeTrue();
      expect(proofMatches(mechanism, credential, `${authMessage},x=1`, proof)).toBeFalse();
      expect(proofMatches(mechanism, credential, authMessage, proof.subarray(1))).toBeFalse();
      expect(proofMatches(mechanism, credential, authMessage, Buffer.alloc(0))).toBeFalse();
      for (let bit = 0; bit < proof.length * 8; bit++) {
        const bent = Buffer.from(proof);
        bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(proofMatches(mechanism, credential, authMessage, bent)).toBeFalse();
      }
    }
  });

  test("shows an unknown user the same decoy each time, and each name another", () => {
    const secret = Buffer.alloc(32, 1);
    const like = { saltBytes: 24, iterations: 8192 };
    const decoy = (name: string) => decoyCredential("SCRAM-SHA-512", secret, name, like);
    expect(decoy("ann")).toEqual(decoy("ann"));
    expect(decoy("ann").salt).not.toEqual(decoy("bob").salt);
    expect(decoy("ann").salt).toHaveLength(24);
    expect(decoy("ann").storedKey).toHaveLength(64);
  });
});
