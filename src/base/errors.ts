/**
 * The closed list of expected failures. One cause, one code. Each protocol edge maps every code in a
 * `Record<ErrorCode, …>` (kafka/errors.ts, kinesis/errors.ts), so a new code does not compile until both answer it.
 *
 * A message is written for the person who has to act on it: what happened, and what to do.
 */

export const ERROR_CODES = [
  // what the client named
  "stream_not_found",
  "stream_exists",
  "stream_name_invalid",
  "stream_not_ready",
  "shard_not_found",
  "shard_closed",
  "offset_out_of_range",
  "user_not_found",
  "user_exists",
  // what the client sent
  "argument_invalid",
  "batch_corrupt",
  "batch_invalid",
  "batch_too_large",
  "compression_unsupported",
  "sequence_out_of_order",
  "sequence_duplicate",
  "producer_fenced",
  "transaction_invalid",
  "decompression_failed",
  "timestamp_invalid",
  "shard_count_invalid",
  "replication_invalid",
  "config_invalid",
  "unsupported",
  // what voik can't do right now
  "limit_exceeded",
  "storage_damaged",
  "storage_failed",
  "disk_full",
  "shutting_down",
  "timed_out",
  "folder_in_use",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Failures of what lies on the disk: their messages name files, for the person who runs voik. */
const ABOUT_FILES: ReadonlySet<ErrorCode> = new Set([
  "storage_damaged",
  "storage_failed",
  "disk_full",
  "folder_in_use",
]);
/** The folders of a path, which begins a word and is no "i/o error"; all but the first may have spaces in their names. */
const FOLDERS = /(?<![^\s'"`(:=])(?!i\/o\b)[^\s/'":]*\/(?:[^/\n'":]+\/)*(?=[^/\s'":])/g;

/** An expected failure: `code` for the edges, `message` for the person who runs voik. */
export class VoikError extends Error {
  override name = "VoikError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** The message for clients: where voik lies on its machine is nobody else's business, so files are named without folders. */
  get messageToClients(): string {
    return ABOUT_FILES.has(this.code) ? this.message.replace(FOLDERS, "") : this.message;
  }
}
