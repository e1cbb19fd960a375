/**
 * Snappy as Kafka clients write it. Java and most others put raw snappy into the framing of xerial's snappy-java;
 * librdkafka writes one raw block (https://github.com/google/snappy/blob/main/format_description.txt).
 *
 *   xerial  82 'SNAPPY' 00 | version i32 | oldest reader i32 | (chunk bytes i32 | raw snappy)…
 *   raw     decompressed bytes varint | elements…
 *
 * The package allocates by the size that a raw block declares, so that is read and checked here first. It is
 * loaded at the first use: it would take a fifth of the time in which voik starts.
 */
import { readUnsignedVarint } from "../base/varint.ts";

const XERIAL_MAGIC = Buffer.from("\x82SNAPPY\0", "latin1");
const XERIAL_HEADER_BYTES = 16;
const XERIAL_VERSION = 1;
/** What snappy-java puts into one chunk. */
const CHUNK_BYTES = 32 << 10;
/** Twice as many as the limit in chunks of 2 KiB: hostile crumbs must not cost seconds. */
const CHUNKS_MAX = 1 << 16;

const snappy = () => require("snappy") as typeof import("snappy");

/** Decompresses xerial or raw snappy. Throws an Error on damaged bytes and on more than `bytesMax` of output. */
export function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  const chunks = splitChunks(bytes);
  // All sizes are known before the first chunk is opened, so a bomb costs nothing.
  let declared = 0;
  for (const chunk of chunks) declared += declaredBytes(chunk);
  if (declared > bytesMax) throw new Error(`it has ${declared} bytes, at most ${bytesMax} are allowed`);
  const { uncompressSync } = snappy();
  const opened = chunks.map((chunk) => uncompressSync(chunk, { asBuffer: true }) as Buffer);
  return opened.length === 1 ? (opened[0] as Buffer) : Buffer.concat(opened);
}

/** Compresses in xerial framing, which every Kafka client reads. */
export function compressSnappy(bytes: Buffer): Buffer {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(XERIAL_VERSION, 8);
  header.writeInt32BE(XERIAL_VERSION, 12);
  const parts: Buffer[] = [header];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = snappy().compressSync(bytes.subarray(at, at + CHUNK_BYTES));
    const length = Buffer.alloc(4);
    length.writeInt32BE(chunk.length);
    parts.push(length, chunk);
  }
  return Buffer.concat(parts);
}

/** The raw snappy blocks of xerial framing, or the one that `bytes` are. */
function splitChunks(bytes: Buffer): Buffer[] {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return [bytes];
  const chunks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at !== bytes.length;) {
    if (at + 4 > bytes.length) throw new Error("it is cut off");
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error("a chunk runs past the end");
    if (chunks.length === CHUNKS_MAX) throw new Error(`it has more than ${CHUNKS_MAX} chunks`);
    chunks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return chunks;
}

/** The decompressed size that a raw block starts with. */
function declaredBytes(chunk: Buffer): number {
  const declared = readUnsignedVarint({ bytes: chunk, at: 0 });
  // Three bytes stand for at most 64, so a size that can't be reached is a lie: nothing is allocated by it.
  if (declared > chunk.length * 22) throw new Error(`${chunk.length} bytes can't hold ${declared}`);
  return declared;
}
