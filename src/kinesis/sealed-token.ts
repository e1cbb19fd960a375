/**
 * Tokens that clients hand back: shard iterators and next tokens. Opaque, and sealed with an HMAC, so that a forged
 * or changed one is refused before its content is looked at. They name their stream by id: a token never works on
 * a later stream of the same name. With the same key they outlive a restart.
 *
 *   byte 0       1       2          10        length - 16
 *        version purpose issued at  payload…  HMAC-SHA-256 of all before, first 16 bytes
 *        1       u8      i64 ms                                                  the whole as base64
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readInt64, writeInt64 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";

export const TokenPurpose = { shardIterator: 1, listShards: 2, listStreams: 3, listConsumers: 4 } as const;
export type TokenPurpose = (typeof TokenPurpose)[keyof typeof TokenPurpose];

/** How long AWS takes a token back. */
export const TOKEN_LIFETIME_MS = 300_000;

const VERSION = 1;
const HEADER_BYTES = 10;
const SEAL_BYTES = 16;

export interface OpenedToken {
  payload: Buffer;
  issuedAtMs: number;
  expired: boolean;
}

export class SealedTokens {
  /** `key`: 32 secret bytes. */
  constructor(
    private readonly key: Uint8Array,
    private readonly clock: Clock,
  ) {}

  seal(purpose: TokenPurpose, payload: Buffer): string {
    const token = Buffer.allocUnsafe(HEADER_BYTES + payload.length + SEAL_BYTES);
    token[0] = VERSION;
    token[1] = purpose;
    writeInt64(token, this.clock.nowMs(), 2);
    payload.copy(token, HEADER_BYTES);
    this.sealOf(token).copy(token, token.length - SEAL_BYTES);
    return token.toString("base64");
  }

  /** The content of a token that this key sealed for `purpose`, expired or not; undefined for any other text. */
  open(purpose: TokenPurpose, text: string): OpenedToken | undefined {
    const token = Buffer.from(text, "base64");
    if (token.length < HEADER_BYTES + SEAL_BYTES || token.toString("base64") !== text) return undefined;
    if (token[0] !== VERSION || token[1] !== purpose) return undefined;
    if (!timingSafeEqual(this.sealOf(token), token.subarray(token.length - SEAL_BYTES))) return undefined;
    const issuedAtMs = readInt64(token, 2);
    return {
      payload: token.subarray(HEADER_BYTES, token.length - SEAL_BYTES),
      issuedAtMs,
      // A clock that was set back makes tokens from the future: they are good.
      expired: this.clock.nowMs() - issuedAtMs > TOKEN_LIFETIME_MS,
    };
  }

  private sealOf(token: Buffer): Buffer {
    const content = token.subarray(0, token.length - SEAL_BYTES);
    return createHmac("sha256", this.key).update(content).digest().subarray(0, SEAL_BYTES);
  }
}
