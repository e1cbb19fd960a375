/**
 * The signature that a request carries, in one of two forms, read and checked for everything but its truth:
 *
 *   Authorization: AWS4-HMAC-SHA256 Credential=<key id>/<yyyymmdd>/<region>/kinesis/aws4_request,
 *                  SignedHeaders=<a;b;c>, Signature=<64 hex digits>      and X-Amz-Date or Date
 *   ?X-Amz-Algorithm=…&X-Amz-Credential=…&X-Amz-Date=…&X-Amz-Expires=…&X-Amz-SignedHeaders=…&X-Amz-Signature=…
 *
 * Names and texts of the errors are AWS's, as its front door words them.
 */
import { KinesisError } from "./errors.ts";
import { ALGORITHM, type Scope, TERMINATOR } from "./signature.ts";

export interface RequestSignature {
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  /** As the request has it. */
  readonly signature: string;
  /** yyyymmddThhmmssZ, and as milliseconds. */
  readonly time: string;
  readonly timeMs: number;
  /** How long a presigned request is good; undefined for the usual tolerance. */
  readonly expiresMs: number | undefined;
  /** A session token, with which keys that voik never gave out are signed. */
  readonly sessionToken: string | undefined;
}

const SERVICE = "kinesis";
const EXPIRES_SECONDS_MAX = 604_800;
const QUERY_PARAMETERS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
  "X-Amz-Date",
] as const;

/** Reads the signature of a request. Throws KinesisError, as AWS names what is missing or wrong. */
export function readSignature(headers: Headers, query: string): RequestSignature {
  const authorization = headers.get("authorization");
  const parameters = new URLSearchParams(query);
  const inQuery = parameters.has("X-Amz-Algorithm");
  if (authorization !== null && inQuery) {
    throw invalidSignature(
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
  }
  if (authorization !== null) return fromHeader(authorization, headers);
  if (inQuery) return fromQuery(parameters);
  throw new KinesisError("MissingAuthenticationTokenException", "Missing Authentication Token");
}

function fromHeader(authorization: string, headers: Headers): RequestSignature {
  const [algorithm = "", ...rest] = authorization.trim().split(/[\s,]+/);
  const parts = new Map(rest.map((part) => splitAt(part, "=")));
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !parts.get(name))
    .map((name) => `Authorization header requires '${name}' parameter. `);
  const date = headers.get("x-amz-date") ?? headers.get("date");
  if (date === null) {
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  }
  if (missing.length > 0) throw incomplete(`${missing.join("")}Authorization=${authorization}`);
  if (algorithm !== ALGORITHM) throw incomplete(`Unsupported AWS 'algorithm': '${algorithm}'.`);
  return assemble({
    credential: parts.get("Credential") ?? "",
    signature: parts.get("Signature") ?? "",
    signedHeaders: parts.get("SignedHeaders") ?? "",
    time: headers.has("x-amz-date") ? (date ?? "") : isoTimeOf(date ?? ""),
    expiresMs: undefined,
    sessionToken: headers.get("x-amz-security-token") ?? undefined,
  });
}

function fromQuery(parameters: URLSearchParams): RequestSignature {
  const missing = QUERY_PARAMETERS.filter((name) => !parameters.get(name)).map(
    (name) => `AWS query-string parameters must include '${name}'. `,
  );
  if (missing.length > 0) throw incomplete(`${missing.join("")}Re-examine the query-string parameters.`);
  const algorithm = parameters.get("X-Amz-Algorithm");
  if (algorithm !== ALGORITHM) throw incomplete(`Unsupported AWS 'algorithm': '${algorithm}'.`);
  const expires = parameters.get("X-Amz-Expires");
  const seconds = Number(expires ?? 0);
  if (expires !== null && !(/^\d{1,6}$/.test(expires) && seconds >= 1 && seconds <= EXPIRES_SECONDS_MAX))
    throw incomplete(`X-Amz-Expires must be between 1 and ${EXPIRES_SECONDS_MAX} seconds, got '${expires}'.`);
  return assemble({
    credential: parameters.get("X-Amz-Credential") ?? "",
    signature: parameters.get("X-Amz-Signature") ?? "",
    signedHeaders: parameters.get("X-Amz-SignedHeaders") ?? "",
    time: parameters.get("X-Amz-Date") ?? "",
    expiresMs: expires === null ? undefined : seconds * 1000,
    sessionToken: parameters.get("X-Amz-Security-Token") ?? undefined,
  });
}

interface Texts extends Pick<RequestSignature, "signature" | "time" | "expiresMs" | "sessionToken"> {
  credential: string;
  signedHeaders: string;
}

function assemble({ credential, signedHeaders, ...rest }: Texts): RequestSignature {
  const { time } = rest;
  const timeMs = timeMsOf(time);
  if (timeMs === undefined) {
    throw incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${time}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  const parts = credential.split("/");
  const [accessKeyId, date, region, service, terminator] = parts;
  if (parts.length !== 5 || !accessKeyId || !date || !region || !service || !terminator) {
    const wanted =
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term";
    throw incomplete(`${wanted}, got '${credential}'`);
  }
  if (service !== SERVICE)
    throw invalidSignature(`Credential should be scoped to correct service: '${SERVICE}'. `);
  if (terminator !== TERMINATOR) {
    throw invalidSignature(
      `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${terminator}'. `,
    );
  }
  const scope = { date, region, service };
  if (date !== time.slice(0, 8)) {
    throw invalidSignature(
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
        `'${date}' != '${time.slice(0, 8)}', from '${time}'.`,
    );
  }
  return { accessKeyId, scope, signedHeaders: readSignedHeaders(signedHeaders), timeMs, ...rest };
}

/** What a signature has to cover, so that no other request can borrow it. */
function readSignedHeaders(text: string): string[] {
  const names = text.toLowerCase().split(";");
  if (!names.includes("host") && !names.includes(":authority"))
    throw invalidSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  if (!names.includes("x-amz-target"))
    throw invalidSignature("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  return names;
}

/** Milliseconds of yyyymmddThhmmssZ; undefined when `time` is none. */
function timeMsOf(time: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** yyyymmddThhmmssZ of milliseconds. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** A Date header (RFC 9110) as a signature writes it; as it is when it is no date. */
function isoTimeOf(date: string): string {
  const ms = Date.parse(date);
  return Number.isNaN(ms) ? date : timeOf(ms);
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

export function invalidSignature(message: string): KinesisError {
  return new KinesisError("InvalidSignatureException", message);
}

function incomplete(message: string): KinesisError {
  return new KinesisError("IncompleteSignatureException", message);
}
