/** DescribeUserScramCredentials: the mechanisms that users have passwords for (KIP-554). Null asks for all users. */
import { array, int8, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "0+" };

export const DescribeUserScramCredentialsRequest = message("DescribeUserScramCredentialsRequest", ranges, {
  users: array("0+", { name: string("0+") }, { nullable: "0+" }),
});

export const DescribeUserScramCredentialsResponse = message("DescribeUserScramCredentialsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  errorMessage: string("0+", { nullable: "0+" }),
  results: array("0+", {
    user: string("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    credentialInfos: array("0+", { mechanism: int8("0+"), iterations: int32("0+") }),
  }),
});

export const DescribeUserScramCredentials = {
  key: 50,
  name: "DescribeUserScramCredentials",
  request: DescribeUserScramCredentialsRequest,
  reply: DescribeUserScramCredentialsResponse,
};
