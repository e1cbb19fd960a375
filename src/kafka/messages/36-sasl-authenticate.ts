/** SaslAuthenticate: one message of the mechanism each way. Version 1 tells how long the login holds (KIP-368). */
import { bytes, int16, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-2", flexible: "2+" };

export const SaslAuthenticateRequest = message("SaslAuthenticateRequest", ranges, {
  authBytes: bytes("0+"),
});

export const SaslAuthenticateResponse = message("SaslAuthenticateResponse", ranges, {
  errorCode: int16("0+"),
  errorMessage: string("0+", { nullable: "0+" }),
  authBytes: bytes("0+"),
  sessionLifetimeMs: int64("1+", { default: 0 }),
});

export const SaslAuthenticate = {
  key: 36,
  name: "SaslAuthenticate",
  request: SaslAuthenticateRequest,
  reply: SaslAuthenticateResponse,
};
