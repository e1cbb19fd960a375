/** --kinesis-auth=sigv4: what is let in, what is refused, and in which of AWS's words. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { openTestAccess, type TestAccess } from "../helpers/access.ts";
import { type PlainRequest, presigned, type Signing, signed } from "../helpers/sigv4.ts";
import { KinesisHarness, ManualClock } from "./kinesis-harness.ts";

const MINUTE_MS = 60_000;
const MISMATCH =
  "InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check " +
  "your AWS Secret Access Key and signing method. Consult the service documentation for details.";

let access: TestAccess;
let harness: KinesisHarness;
let key: Pick<Signing, "id" | "secret">;
const clock = new ManualClock();

beforeAll(async () => {
  access = await openTestAccess({ enforcing: false });
  await access.users.create("ann", undefined);
  key = access.users.createAccessKey("ann");
  harness = await KinesisHarness.start({ clock, security: { access, auth: "sigv4" } });
});
afterAll(async () => {
  await harness.stop();
  access.close();
});

const listStreams = (): PlainRequest => ({
  url: harness.url,
  headers: {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.ListStreams",
  },
  body: "{}",
});
const now = (more: Partial<Signing> = {}): Signing => ({ ...key, nowMs: clock.nowMs(), ...more });

/** "200", or type and message of the error. */
async function answer({ url, headers, body }: PlainRequest): Promise<string> {
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status === 200) return "200";
  const { __type, message } = JSON.parse(text);
  expect(response.status).toBe(400);
  expect(response.headers.get("x-amzn-errortype")).toBe(__type);
  return `${__type}: ${message}`;
}

/** A signed request with something changed afterwards. */
function tampered(change: (request: PlainRequest) => Partial<PlainRequest>): PlainRequest {
  const request = signed(listStreams(), now());
  return { ...request, ...change(request) };
}

describe("a request is let in", () => {
  test("with its signature in the header, or in the URL", async () => {
    expect(await answer(signed(listStreams(), now()))).toBe("200");
    expect(await answer(presigned(listStreams(), now(), 60))).toBe("200");
    expect(await answer(presigned(listStreams(), now()))).toBe("200");
  });

  test("in any region, and a second time inside of its window, as with AWS", async () => {
    const request = signed(listStreams(), now({ region: "mars-north-1" }));
    expect(await answer(request)).toBe("200");
    expect(await answer(request)).toBe("200");
  });

  test("with a clock that is up to fifteen minutes off", async () => {
    for (const minutes of [-15, 15])
      expect(await answer(signed(listStreams(), now({ nowMs: clock.nowMs() + minutes * MINUTE_MS })))).toBe(
        "200",
      );
  });

  test("with a Date header in place of X-Amz-Date", async () => {
    const date = new Date(clock.nowMs()).toUTCString();
    const plain = listStreams();
    const request = signed(
      { ...plain, headers: { ...plain.headers, date } },
      now({ signedHeaders: ["date", "host", "x-amz-target"] }),
    );
    delete request.headers["x-amz-date"];
    expect(await answer(request)).toBe("200");
  });
});

describe("a request is refused", () => {
  test.each<[string, () => PlainRequest, string]>([
    ["without a signature", listStreams, "MissingAuthenticationTokenException: Missing Authentication Token"],
    ["with the wrong secret", () => signed(listStreams(), now({ secret: "guess" })), MISMATCH],
    [
      "with an unknown key",
      () => signed(listStreams(), now({ id: "VOIKAAAAAAAAAAAAAAAA" })),
      "UnrecognizedClientException: The security token included in the request is invalid.",
    ],
    [
      "with a session token",
      () => {
        const plain = listStreams();
        const headers = { ...plain.headers, "x-amz-security-token": "token" };
        return signed({ ...plain, headers }, now());
      },
      "UnrecognizedClientException: The security token included in the request is invalid.",
    ],
    ["with another body", () => tampered(() => ({ body: '{"Limit":1}' })), MISMATCH],
    ["with another path", () => tampered(({ url }) => ({ url: `${url}other` })), MISMATCH],
    ["with another query", () => tampered(({ url }) => ({ url: `${url}?a=b` })), MISMATCH],
    [
      "with another operation",
      () =>
        tampered(({ headers }) => ({
          headers: { ...headers, "x-amz-target": "Kinesis_20131202.DescribeLimits" },
        })),
      MISMATCH,
    ],
    [
      "with another time",
      () => tampered(({ headers }) => ({ headers: { ...headers, "x-amz-date": "20261123T080001Z" } })),
      MISMATCH,
    ],
    [
      "with a signature that is no SHA-256",
      () =>
        tampered(({ headers }) => ({
          headers: { ...headers, authorization: headers["authorization"]?.slice(0, -1) ?? "" },
        })),
      MISMATCH,
    ],
    [
      "with a signature that does not cover the operation",
      () => signed(listStreams(), now({ signedHeaders: ["host", "x-amz-date"] })),
      "InvalidSignatureException: 'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      "with a signature that does not cover the host",
      () => signed(listStreams(), now({ signedHeaders: ["x-amz-date", "x-amz-target"] })),
      "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      "with another algorithm",
      () =>
        tampered(({ headers }) => ({
          headers: { ...headers, authorization: headers["authorization"]?.replace("SHA256", "MD5") ?? "" },
        })),
      "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5'.",
    ],
    [
      "with a session token, presigned",
      () => {
        const plain = listStreams();
        return presigned({ ...plain, url: `${plain.url}?X-Amz-Security-Token=token` }, now(), 60);
      },
      "UnrecognizedClientException: The security token included in the request is invalid.",
    ],
    [
      "for another service",
      () => signed(listStreams(), now({ service: "dynamodb" })),
      "InvalidSignatureException: Credential should be scoped to correct service: 'kinesis'. ",
    ],
    [
      "with another terminator",
      () => signed(listStreams(), now({ terminator: "aws3_request" })),
      "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'. ",
    ],
    [
      "with a scope of another day",
      () => signed(listStreams(), now({ date: "20261122" })),
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from " +
        "HTTP: '20261122' != '20261123', from '20261123T080000Z'.",
    ],
    [
      "sixteen minutes old",
      () => signed(listStreams(), now({ nowMs: clock.nowMs() - 16 * MINUTE_MS })),
      "InvalidSignatureException: Signature expired: 20261123T074400Z is now earlier than 20261123T074500Z " +
        "(20261123T080000Z - 15 min.)",
    ],
    [
      "sixteen minutes early",
      () => signed(listStreams(), now({ nowMs: clock.nowMs() + 16 * MINUTE_MS })),
      "InvalidSignatureException: Signature not yet current: 20261123T081600Z is still later than 20261123T081500Z " +
        "(20261123T080000Z + 15 min.)",
    ],
    [
      "presigned for a minute, two minutes later",
      () => presigned(listStreams(), now({ nowMs: clock.nowMs() - 2 * MINUTE_MS }), 60),
      "InvalidSignatureException: Signature expired: 20261123T075800Z is now earlier than 20261123T075900Z " +
        "(20261123T080000Z - 60 sec.)",
    ],
    [
      "signed in header and URL",
      () => signed(presigned(listStreams(), now(), 60), now()),
      "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    ],
    [
      "presigned for longer than a week",
      () => presigned(listStreams(), now(), 604_801),
      "IncompleteSignatureException: X-Amz-Expires must be between 1 and 604800 seconds, got '604801'.",
    ],
    [
      "presigned in part",
      () => ({ ...listStreams(), url: `${harness.url}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x` }),
      "IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string " +
        "parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. " +
        "Re-examine the query-string parameters.",
    ],
  ])("%s", async (_what, request, expected) => {
    expect(await answer(request())).toBe(expected);
  });

  test.each([
    [
      "Basic YW5uOnB3",
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a " +
        "'X-Amz-Date' or a 'Date' header. Authorization=Basic YW5uOnB3",
    ],
    [
      "AWS4-HMAC-SHA256",
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a " +
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
    ],
    [
      "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=" +
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
    ],
  ])("with the header %p", async (authorization, message) => {
    const plain = listStreams();
    const request = { ...plain, headers: { ...plain.headers, authorization } };
    expect(await answer(request)).toBe(`IncompleteSignatureException: ${message}`);
  });

  test.each(["a/b", "a/20261123/r/kinesis", "//r/kinesis/aws4_request", "a/b/c/d/e/f"])(
    "with the credential %p",
    async (credential) => {
      const request = tampered(({ headers }) => ({
        headers: {
          ...headers,
          authorization:
            headers["authorization"]?.replace(/Credential=[^,]+/, `Credential=${credential}`) ?? "",
        },
      }));
      expect(await answer(request)).toBe(
        "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. " +
          `keyid/date/region/service/term, got '${credential}'`,
      );
    },
  );

  test("when the time is none", async () => {
    for (const time of ["yesterday", "20261323T080000Z", "20261123T080000"]) {
      const request = tampered(({ headers }) => ({ headers: { ...headers, "x-amz-date": time } }));
      expect(await answer(request)).toBe(
        `IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '${time}'. ` +
          "See http://en.wikipedia.org/wiki/ISO_8601",
      );
    }
  });

  test("before its body is looked at", async () => {
    const request = { ...listStreams(), body: "{" };
    expect(await answer(request)).toStartWith("MissingAuthenticationTokenException");
    expect(await answer(signed(request, now()))).toStartWith("SerializationException");
  });

  test("once the key is deleted, though its signing key was in use", async () => {
    const spare = access.users.createAccessKey("ann");
    expect(await answer(signed(listStreams(), now(spare)))).toBe("200");
    access.users.deleteAccessKey(spare.id);
    expect(await answer(signed(listStreams(), now(spare)))).toStartWith("UnrecognizedClientException");
  });

  test("when any one bit of its signature is changed", async () => {
    const good = signed(listStreams(), now());
    const authorization = good.headers["authorization"] ?? "";
    const hex = authorization.slice(-64);
    for (let bit = 0; bit < 256; bit += 17) {
      const bytes = Buffer.from(hex, "hex");
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const bent = authorization.slice(0, -64) + bytes.toString("hex");
      expect(await answer({ ...good, headers: { ...good.headers, authorization: bent } })).toBe(MISMATCH);
    }
  });
});

describe("AWS's client for JavaScript", () => {
  test.each([
    ["HTTP/2", false],
    ["HTTP/1.1", true],
  ])("gets in over %s with its secret, and not with another", async (_name, http1) => {
    const server = await KinesisHarness.start({ security: { access, auth: "sigv4" } });
    const client = (secretAccessKey: string) =>
      new KinesisClient({
        endpoint: server.url,
        region: "eu-west-1",
        credentials: { accessKeyId: key.id, secretAccessKey },
        maxAttempts: 1,
        ...(http1 && { requestHandler: new NodeHttpHandler() }),
      });
    const good = client(key.secret);
    await good.send(new CreateStreamCommand({ StreamName: "s", ShardCount: 1 }));
    expect((await good.send(new ListShardsCommand({ StreamName: "s" }))).Shards).toHaveLength(1);
    const bad = client("guess");
    const refused = await bad.send(new ListStreamsCommand({})).catch((error: Error) => error.name);
    expect(refused).toBe("InvalidSignatureException");
    good.destroy();
    bad.destroy();
    await server.stop();
  });
});
