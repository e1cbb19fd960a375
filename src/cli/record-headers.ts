/** The headers that `voik produce --headers` puts on every record: name=value, more of them behind commas. */
import type { RecordHeader } from "../log/record.ts";
import { CliError, EXIT } from "./exit.ts";

const HEADERS_BYTES_MAX = 64 * 1024;
/** The lengths of a header's name and value. */
const OVERHEAD_BYTES = 10;

/** Reads `text`; none gives no headers. Throws CliError. */
export function headersOf(text: string | undefined): RecordHeader[] {
  if (text === undefined) return [];
  const headers = text.split(",").map((part) => {
    const equals = part.indexOf("=");
    if (equals < 1) throw new CliError(EXIT.usage, `--headers takes name=value,name=value, not "${text}"`);
    return { key: part.slice(0, equals), value: Buffer.from(part.slice(equals + 1)) };
  });
  if (headerBytesOf(headers) <= HEADERS_BYTES_MAX) return headers;
  throw new CliError(EXIT.usage, `--headers takes at most ${HEADERS_BYTES_MAX} bytes`);
}

/** Bytes that `headers` take in a record, at most. */
export function headerBytesOf(headers: readonly RecordHeader[]): number {
  return headers.reduce(
    (bytes, { key, value }) => bytes + Buffer.byteLength(key) + (value?.length ?? 0) + OVERHEAD_BYTES,
    0,
  );
}
