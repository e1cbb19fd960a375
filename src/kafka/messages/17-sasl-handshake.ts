/** SaslHandshake: names the mechanism that the client will log in with. */
import { array, int16, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "2+" };

export const SaslHandshakeRequest = message("SaslHandshakeRequest", ranges, {
  mechanism: string("0+"),
});

export const SaslHandshakeResponse = message("SaslHandshakeResponse", ranges, {
  errorCode: int16("0+"),
  mechanisms: array("0+", string()),
});

export const SaslHandshake = {
  key: 17,
  name: "SaslHandshake",
  request: SaslHandshakeRequest,
  reply: SaslHandshakeResponse,
};
