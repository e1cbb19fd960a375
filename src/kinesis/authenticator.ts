/**
 * Whether a request was signed with the secret of an access key that voik gave out (--kinesis-auth=sigv4), and by
 * whom. One SHA-256 of the body and one HMAC a request, however many records; the signing keys of an access key are
 * kept, for they change once a day. A signature inside its window can be sent again, as with AWS: that is what TLS
 * is for.
 */
import { timingSafeEqual } from "node:crypto";
import type { AccessKey, Users } from "../access/access.ts";
import { principalOf } from "../access/acl.ts";
import type { Clock } from "../base/clock.ts";
import type { Caller } from "./caller.ts";
import { KinesisError } from "./errors.ts";
import {
  canonicalRequest,
  type Scope,
  scopeText,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
} from "./signature.ts";
import { invalidSignature, readSignature, type RequestSignature, timeOf } from "./signed-request.ts";

/** How far the clocks of client and server may be apart. */
const TOLERANCE_MINUTES = 15;
const MINUTE_MS = 60_000;
/** Dates and regions of one access key; whoever knows its id can name others, so it is bounded. */
const SCOPES_MAX = 16;

const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
  "and signing method. Consult the service documentation for details.";

export class Authenticator {
  /** By the key itself, not its id: a deleted one takes its signing keys along. */
  private readonly signingKeys = new WeakMap<AccessKey, Map<string, Buffer>>();

  constructor(
    private readonly users: Pick<Users, "accessKey">,
    private readonly clock: Clock,
    private readonly accountId: string,
  ) {}

  /**
   * Who signed `request`, whose body is `body`. Throws KinesisError: MissingAuthenticationTokenException,
   * IncompleteSignatureException, InvalidSignatureException, UnrecognizedClientException.
   */
  check(request: Request, body: Uint8Array): Caller {
    const { pathname, search } = new URL(request.url);
    const query = search.slice(1);
    const given = readSignature(request.headers, query);
    this.checkTime(given);
    const key = this.users.accessKey(given.accessKeyId);
    // voik gives out no session tokens, so one that is there belongs to somebody else's keys.
    if (key === undefined || given.sessionToken !== undefined) {
      throw new KinesisError(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
      );
    }
    const canonical = canonicalRequest({
      method: request.method,
      path: pathname,
      query,
      signedHeaders: given.signedHeaders,
      // HTTP/2 has :authority for what HTTP/1.1 calls Host, and Bun gives it under that name.
      header: (name) => request.headers.get(name === ":authority" ? "host" : name) ?? "",
      bodyHash: sha256Hex(body),
    });
    const expected = signature(
      this.signingKeyOf(key, given.scope),
      stringToSign(given.time, given.scope, canonical),
    );
    if (!equal(given.signature, expected)) throw invalidSignature(MISMATCH);
    return { accountId: this.accountId, region: given.scope.region, principal: principalOf(key.user) };
  }

  private checkTime({ time, timeMs, expiresMs }: RequestSignature): void {
    const nowMs = this.clock.nowMs();
    const toleranceMs = TOLERANCE_MINUTES * MINUTE_MS;
    if (timeMs > nowMs + toleranceMs) {
      throw invalidSignature(
        `Signature not yet current: ${time} is still later than ${timeOf(nowMs + toleranceMs)} ` +
          `(${timeOf(nowMs)} + ${TOLERANCE_MINUTES} min.)`,
      );
    }
    const oldestMs = nowMs - (expiresMs ?? toleranceMs);
    if (timeMs >= oldestMs) return;
    const lifetime = expiresMs === undefined ? `${TOLERANCE_MINUTES} min.` : `${expiresMs / 1000} sec.`;
    throw invalidSignature(
      `Signature expired: ${time} is now earlier than ${timeOf(oldestMs)} (${timeOf(nowMs)} - ${lifetime})`,
    );
  }

  private signingKeyOf(key: AccessKey, scope: Scope): Buffer {
    const name = scopeText(scope);
    let known = this.signingKeys.get(key);
    if (known === undefined || known.size >= SCOPES_MAX) this.signingKeys.set(key, (known = new Map()));
    let derived = known.get(name);
    if (derived === undefined) known.set(name, (derived = signingKey(key.secret, scope)));
    return derived;
  }
}

/** In constant time, over 32 bytes each; text that is no SHA-256 in hex is never equal. */
function equal(given: string, expected: Buffer): boolean {
  return /^[0-9a-f]{64}$/.test(given) && timingSafeEqual(Buffer.from(given, "hex"), expected);
}
