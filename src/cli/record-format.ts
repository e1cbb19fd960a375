/** How `voik consume` writes a record: its bytes, or JSON for machines, one record a line. */
import type { RecordReader } from "../log/record.ts";

export const FORMATS = ["value", "key-value", "json"] as const;
export type Format = (typeof FORMATS)[number];

/** The latest time that a Date can hold. */
const TIMESTAMP_MS_MAX = 8.64e15;
const NEWLINE = Buffer.from("\n");
const TAB = Buffer.from("\t");
const NOTHING = Buffer.alloc(0);

/** The line for the record that `reader` stands on, line end included; `shard` where there are several. */
export function formatRecord(format: Format, shard: number | undefined, reader: RecordReader): Buffer {
  const value = reader.value();
  if (format === "value") return Buffer.concat([value ?? NOTHING, NEWLINE]);
  const key = reader.key();
  if (format === "key-value") return Buffer.concat([key ?? NOTHING, TAB, value ?? NOTHING, NEWLINE]);
  const headers = reader.headers().map((header) => ({ key: header.key, ...field("value", header.value) }));
  const record = {
    shard,
    offset: reader.offset,
    timestamp: timeText(reader.timestampMs),
    ...field("key", key),
    ...field("value", value),
    ...(headers.length > 0 ? { headers } : {}),
  };
  return Buffer.from(`${JSON.stringify(record)}\n`);
}

/** A record's time in ISO 8601; null where there is none, as producers may write any number. */
export function timeText(timestampMs: number): string | null {
  return timestampMs < 0 || timestampMs > TIMESTAMP_MS_MAX ? null : new Date(timestampMs).toISOString();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `name` with the text, or `nameBase64` when the bytes are no UTF-8. */
function field(name: string, bytes: Buffer | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  try {
    return { [name]: utf8.decode(bytes) };
  } catch {
    return { [`${name}Base64`]: bytes.toString("base64") };
  }
}
