/** How `voik consume` writes a record: its bytes, or JSON for machines, one record a line. */
import type { RecordReader } from "../log/record.ts";

export const FORMATS = ["value", "key-value", "json"] as const;
export type Format = (typeof FORMATS)[number];

const NEWLINE = Buffer.from("\n");
const TAB = Buffer.from("\t");
const NOTHING = Buffer.alloc(0);

/** The bytes of the line for the record that `reader` stands on, line end included. */
export function formatRecord(format: Format, shard: number, reader: RecordReader): Buffer {
  const value = reader.value();
  if (format === "value") return Buffer.concat([value ?? NOTHING, NEWLINE]);
  const key = reader.key();
  if (format === "key-value") return Buffer.concat([key ?? NOTHING, TAB, value ?? NOTHING, NEWLINE]);
  const headers = reader.headers().map((header) => ({ key: header.key, ...field("value", header.value) }));
  const record = {
    shard,
    offset: reader.offset,
    timestamp: reader.timestampMs < 0 ? null : new Date(reader.timestampMs).toISOString(),
    ...field("key", key),
    ...field("value", value),
    ...(headers.length > 0 ? { headers } : {}),
  };
  return Buffer.from(`${JSON.stringify(record)}\n`);
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
