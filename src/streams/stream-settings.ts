/**
 * What a stream chooses for itself beside its name, its shards, its retention and its durability. Whatever it leaves
 * out is the broker's to say, also when the broker's own value changes. The catalog keeps it as one JSON text.
 */
import { type CompressionName, compressionNumber } from "../log/compression.ts";
import type { LogSettings } from "../log/log-factory.ts";

/** Whose time a record bears: the producer's, or that of its arrival. */
export type Timestamps = "producer" | "arrival";

export interface StreamSettings extends LogSettings {
  /** Largest record batch that a client may write. */
  readonly batchBytesMax?: number;
  /** Default "producer". */
  readonly timestamps?: Timestamps;
  /** How far a producer's time may lie before, or after, the broker's. */
  readonly timestampBeforeMsMax?: number;
  readonly timestampAfterMsMax?: number;
  /** What batches are compressed with in the log; left out, as the producer sent them. */
  readonly compression?: CompressionName;
}

/** "No bound", where a bound is a number. */
export const UNLIMITED: number = Number.MAX_SAFE_INTEGER;
/** The longest retention, in words "for ever": 2^31 - 1 hours, which Kinesis can still say. */
export const RETENTION_MS_MAX: number = (2 ** 31 - 1) * 3_600_000;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const CHECKS: Record<keyof StreamSettings, (value: unknown) => boolean> = {
  retentionBytes: isCount,
  segmentBytes: isCount,
  segmentAgeMs: isCount,
  batchBytesMax: isCount,
  timestamps: (value) => value === "producer" || value === "arrival",
  timestampBeforeMsMax: isCount,
  timestampAfterMsMax: isCount,
  compression: (value) => typeof value === "string" && compressionNumber(value as CompressionName) >= 0,
};

/** The settings in a JSON text, or undefined when it holds anything else. */
export function parseSettings(text: string): StreamSettings | undefined {
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) return undefined;
    const good = Object.entries(settings).every(
      ([name, value]) => Object.hasOwn(CHECKS, name) && CHECKS[name as keyof StreamSettings](value),
    );
    return good ? settings : undefined;
  } catch {
    return undefined;
  }
}
