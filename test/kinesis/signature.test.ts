/** Signature Version 4 against the vectors that AWS published (the aws4 test suite: its requests and signatures). */
import { expect, test } from "bun:test";
import {
  canonicalRequest,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
} from "../../src/kinesis/signature.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TIME = "20150830T123600Z";
const SCOPE = { date: "20150830", region: "us-east-1", service: "service" };

interface Vector {
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string;
}

const LETTERS = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FORM = { "content-type": "application/x-www-form-urlencoded" };

test.each<[string, Vector, string]>([
  ["get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["post-vanilla", { method: "POST" }, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  [
    "get-vanilla-query-order-key-case",
    { query: "Param2=value2&Param1=value1" },
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "get-vanilla-query-unreserved",
    { query: `${LETTERS}=${LETTERS}` },
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  ],
  [
    "get-vanilla-utf8-query",
    { query: "%E1%88%B4=bar" },
    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  ],
  [
    "post-vanilla-query",
    { method: "POST", query: "Param1=value1" },
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
  ],
  [
    "post-header-key-sort",
    { method: "POST", headers: { "my-header1": "value1" } },
    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  ],
  [
    "post-header-value-case",
    { method: "POST", headers: { "my-header1": "VALUE1" } },
    "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
  ],
  [
    "get-header-value-trim",
    { headers: { "my-header1": " value1", "my-header2": ' "a   b   c"' } },
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
  [
    "post-x-www-form-urlencoded",
    { method: "POST", headers: FORM, body: "Param1=value1" },
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
  [
    "post-x-www-form-urlencoded-parameters",
    {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf8" },
      body: "Param1=value1",
    },
    "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
  ],
])("%s", (_name, { method = "GET", path = "/", query = "", headers = {}, body = "" }, expected) => {
  const all: Record<string, string> = { host: "example.amazonaws.com", "x-amz-date": TIME, ...headers };
  const canonical = canonicalRequest({
    method,
    path,
    query,
    signedHeaders: Object.keys(all).sort(),
    header: (name) => all[name] ?? "",
    bodyHash: sha256Hex(body),
  });
  const key = signingKey(SECRET, SCOPE);
  expect(signature(key, stringToSign(TIME, SCOPE, canonical)).toString("hex")).toBe(expected);
});
