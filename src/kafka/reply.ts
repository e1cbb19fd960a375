/**
 * Frames one reply: `size i32 | correlationId i32 | tags? | body`, where the size counts the log ranges in the body,
 * which are sent from their files.
 */
import type { Call } from "./call.ts";
import { API_VERSIONS_KEY } from "./apis.ts";
import type { Writer } from "./codec/writer.ts";

const SIZE_BYTES = 4;

/** Appends the reply of a call that is done to `writer`. */
export function writeReply(writer: Writer, call: Call): void {
  const { api, version } = call;
  const rangeBytesBefore = writer.rangeBytes;
  const start = writer.reserve(SIZE_BYTES);
  writer.int32(call.correlationId);
  // ApiVersions keeps the old header, because its reader does not know yet what the broker speaks.
  if (api.reply.isFlexible(version) && api.key !== API_VERSIONS_KEY) writer.int8(0);
  api.reply.write(version, writer, call.body as never);
  const rangeBytes = writer.rangeBytes - rangeBytesBefore;
  writer.bytes.writeInt32BE(writer.at - start - SIZE_BYTES + rangeBytes, start);
}
