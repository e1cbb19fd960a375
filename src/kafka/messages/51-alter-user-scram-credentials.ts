/** AlterUserScramCredentials: sets and deletes passwords, which come salted (KIP-554). */
import { array, bytes, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "0+" };

export const AlterUserScramCredentialsRequest = message("AlterUserScramCredentialsRequest", ranges, {
  deletions: array("0+", { name: string("0+"), mechanism: int8("0+") }),
  upsertions: array("0+", {
    name: string("0+"),
    mechanism: int8("0+"),
    iterations: int32("0+"),
    salt: bytes("0+"),
    saltedPassword: bytes("0+"),
  }),
});

export const AlterUserScramCredentialsResponse = message("AlterUserScramCredentialsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  results: array("0+", {
    user: string("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
  }),
});

export const AlterUserScramCredentials = {
  key: 51,
  name: "AlterUserScramCredentials",
  request: AlterUserScramCredentialsRequest,
  reply: AlterUserScramCredentialsResponse,
};
