/**
 * Who asks, as far as names go: the region of the SigV4 credential scope and the account, which both stand in ARNs
 * and messages and nowhere else: streams are one set, whatever the region. Signatures are checked in authenticator.ts,
 * if they are; docs/decisions/0031-kinesis-callers.md says what an unchecked one is good for.
 *
 *   authorization: AWS4-HMAC-SHA256 Credential=<access key id>/<yyyymmdd>/<region>/kinesis/aws4_request, …
 */

import { ANONYMOUS } from "../access/acl.ts";

export interface Caller {
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  /** Under which ACL entries stand: "User:ann". */
  readonly principal: string;
}

const DEFAULT_REGION = "us-east-1";
const CREDENTIAL = /\bCredential=([^/,\s]{1,128})\/\d{8}\/([a-z0-9-]{1,32})\/kinesis\/aws4_request\b/;

/**
 * The caller that an Authorization header names; without one, or with one that does not parse, the defaults. An
 * access key id of 12 digits is taken as the account, as other self-hosted Kinesis services do.
 */
export function callerOf(authorization: string | null, defaultAccountId: string): Caller {
  return new NamedCaller(authorization, defaultAccountId);
}

/** Reads the header when somebody asks: a put that goes well names nobody. */
class NamedCaller implements Caller {
  readonly principal = ANONYMOUS;
  private match: RegExpExecArray | null | undefined;

  constructor(
    private readonly authorization: string | null,
    private readonly defaultAccountId: string,
  ) {}

  get accountId(): string {
    const accessKeyId = this.credential?.[1] ?? "";
    return /^\d{12}$/.test(accessKeyId) ? accessKeyId : this.defaultAccountId;
  }

  get region(): string {
    return this.credential?.[2] ?? DEFAULT_REGION;
  }

  private get credential(): RegExpExecArray | null {
    if (this.match === undefined)
      this.match = this.authorization === null ? null : CREDENTIAL.exec(this.authorization);
    return this.match;
  }
}

/** "arn:aws:kinesis:us-east-1:000000000000:stream/orders". */
export function streamArnOf(caller: Caller, streamName: string): string {
  return `arn:${partitionOf(caller.region)}:kinesis:${caller.region}:${caller.accountId}:stream/${streamName}`;
}

/** "aws", "aws-cn" or "aws-us-gov". */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
