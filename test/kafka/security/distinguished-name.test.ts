/** The principal of a certificate: its subject in the order and with the escapes of RFC 2253. */
import { expect, test } from "bun:test";
import { distinguishedName } from "../../../src/kafka/security/tls.ts";

test("a subject is written last part first, special characters behind a backslash", () => {
  expect(distinguishedName({ O: "Example, Inc", OU: ["a", "b"], CN: " ann " })).toBe(
    "CN=\\ ann\\ ,OU=b,OU=a,O=Example\\, Inc",
  );
  expect(distinguishedName({ O: "x", CN: " " })).toBe("CN=\\ ,O=x");
  expect(distinguishedName({ CN: '#1+"<>;' })).toBe('CN=\\#1\\+\\"\\<\\>\\;');
});
