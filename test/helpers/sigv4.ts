/** Signs a Kinesis request by hand, right or wrong in any one way, for tests of what the server makes of it. */
import {
  ALGORITHM,
  canonicalRequest,
  type Scope,
  scopeText,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
} from "../../src/kinesis/signature.ts";
import { timeOf } from "../../src/kinesis/signed-request.ts";

export interface Signing {
  id: string;
  secret: string;
  nowMs: number;
  region?: string;
  service?: string;
  terminator?: string;
  /** The date of the scope, when it is not the time's. */
  date?: string;
  signedHeaders?: readonly string[];
}

/** A POST to `url`. */
export interface PlainRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

const SIGNED = ["content-type", "host", "x-amz-date", "x-amz-target"];

/** `request` with an Authorization header. */
export function signed(request: PlainRequest, signing: Signing): PlainRequest {
  const time = timeOf(signing.nowMs);
  const headers = { ...request.headers, "x-amz-date": request.headers["x-amz-date"] ?? time };
  const { signedHeaders = SIGNED } = signing;
  const hex = signatureOf({ ...request, headers }, new URL(request.url).search.slice(1), time, signing);
  const authorization = [
    `${ALGORITHM} Credential=${signing.id}/${scopeOf(time, signing)}`,
    `SignedHeaders=${signedHeaders.join(";")}`,
    `Signature=${hex}`,
  ].join(", ");
  return { ...request, headers: { ...headers, authorization } };
}

/** `request` with its signature in the URL, good for `expiresSeconds`. */
export function presigned(request: PlainRequest, signing: Signing, expiresSeconds?: number): PlainRequest {
  const time = timeOf(signing.nowMs);
  const { signedHeaders = ["host", "x-amz-target"] } = signing;
  const url = new URL(request.url);
  url.searchParams.set("X-Amz-Algorithm", ALGORITHM);
  url.searchParams.set("X-Amz-Credential", `${signing.id}/${scopeOf(time, signing)}`);
  url.searchParams.set("X-Amz-Date", time);
  if (expiresSeconds !== undefined) url.searchParams.set("X-Amz-Expires", String(expiresSeconds));
  url.searchParams.set("X-Amz-SignedHeaders", signedHeaders.join(";"));
  const hex = signatureOf(request, url.search.slice(1), time, { ...signing, signedHeaders });
  url.searchParams.set("X-Amz-Signature", hex);
  return { ...request, url: url.href };
}

function signatureOf(request: PlainRequest, query: string, time: string, signing: Signing): string {
  const { host, pathname } = new URL(request.url);
  const { signedHeaders = SIGNED } = signing;
  const canonical = canonicalRequest({
    method: "POST",
    path: pathname,
    query,
    signedHeaders,
    header: (name) => (name === "host" ? host : (request.headers[name] ?? "")),
    bodyHash: sha256Hex(request.body),
  });
  const scope = scope4(time, signing);
  return signature(signingKey(signing.secret, scope), stringToSign(time, scope, canonical)).toString("hex");
}

function scope4(time: string, { region = "eu-west-1", service = "kinesis", date }: Signing): Scope {
  return { date: date ?? time.slice(0, 8), region, service };
}

function scopeOf(time: string, signing: Signing): string {
  const scope = scopeText(scope4(time, signing));
  return signing.terminator === undefined ? scope : scope.replace("aws4_request", signing.terminator);
}
