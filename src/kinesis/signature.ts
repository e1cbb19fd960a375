/**
 * AWS Signature Version 4 as mathematics
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html):
 *
 *   canonical request   method, path, query, signed headers, SHA-256 of the body: a line each
 *   string to sign      algorithm, time, scope, SHA-256 of the canonical request
 *   signing key         HMAC chain over the secret: date, region, service, "aws4_request"
 *   signature           HMAC of the string to sign, in hex
 */
export const ALGORITHM = "AWS4-HMAC-SHA256";
export const TERMINATOR = "aws4_request";

/** Where and when a signature is good: yyyymmdd, a region, a service. */
export interface Scope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface CanonicalParts {
  readonly method: string;
  /** As it stands in the URL, encoded once. */
  readonly path: string;
  /** What stands behind the question mark. */
  readonly query: string;
  /** In the order of the signature, lower case. */
  readonly signedHeaders: readonly string[];
  /** The value of a header; empty when it is missing. */
  header(name: string): string;
  /** SHA-256 of the body, hex. */
  readonly bodyHash: string;
}

export function canonicalRequest(parts: CanonicalParts): string {
  const { method, path, query, signedHeaders, bodyHash } = parts;
  const headers = signedHeaders.map((name) => `${name}:${parts.header(name).trim().replace(/ +/g, " ")}\n`);
  return [
    method,
    encode(path, true),
    canonicalQuery(query),
    headers.join(""),
    signedHeaders.join(";"),
    bodyHash,
  ].join("\n");
}

/** `time` as yyyymmddThhmmssZ. */
export function stringToSign(time: string, scope: Scope, canonical: string): string {
  return [ALGORITHM, time, scopeText(scope), sha256Hex(canonical)].join("\n");
}

export function scopeText({ date, region, service }: Scope): string {
  return `${date}/${region}/${service}/${TERMINATOR}`;
}

/** The key that signs everything of one secret, date, region and service. */
export function signingKey(secret: string, { date, region, service }: Scope): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`, "utf8");
  for (const part of [date, region, service, TERMINATOR]) key = hmac(key, part);
  return key;
}

export function signature(key: Buffer, toSign: string): Buffer {
  return hmac(key, toSign);
}

export function sha256Hex(content: string | Uint8Array): string {
  return Bun.CryptoHasher.hash("sha256", content, "hex");
}

/** Parameters sorted by encoded name, then value; the signature's own is left out. */
function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .filter((pair) => pair !== "" && !pair.startsWith("X-Amz-Signature="))
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [encode(decode(name)), encode(decode(value))] as const;
    })
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Percent-decoded; text that is no encoding stays as it is, and then matches no signature. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 3986: everything but letters, digits and -._~ is encoded; a path's slashes stay. */
function encode(text: string, isPath = false): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return isPath ? encoded.replaceAll("%2F", "/") : encoded;
}

function hmac(key: Buffer, text: string): Buffer {
  return new Bun.CryptoHasher("sha256", key).update(text).digest();
}
