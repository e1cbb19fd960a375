/**
 * Failures as a Kinesis client sees them: an error type (the name its SDK throws), an HTTP status and a message.
 * KinesisError is for what only this protocol knows; every VoikError code has its answer in the table below, which
 * does not compile while one is missing. 4xx tells an SDK not to try again, 5xx that it may.
 */
import { type ErrorCode, VoikError } from "../base/errors.ts";

/** Error types of the API reference that this edge raises by itself. */
export type KinesisErrorType =
  | "AccessDeniedException"
  | "DryRunOperationException"
  | "ExpiredIteratorException"
  | "ExpiredNextTokenException"
  | "IncompleteSignatureException"
  | "InternalFailure"
  | "InternalFailureException"
  | "InvalidArgumentException"
  | "InvalidSignatureException"
  | "KMSNotFoundException"
  | "LimitExceededException"
  | "MissingAuthenticationTokenException"
  | "ProvisionedThroughputExceededException"
  | "ResourceInUseException"
  | "ResourceNotFoundException"
  | "SerializationException"
  | "ServiceUnavailable"
  | "UnknownOperationException"
  | "UnrecognizedClientException"
  | "ValidationException";

/** An expected failure of this protocol; `message` is absent where AWS sends none. */
export class KinesisError extends Error {
  override name = "KinesisError";

  constructor(
    readonly type: KinesisErrorType,
    message = "",
    readonly status = 400,
  ) {
    super(message);
  }
}

interface Answer {
  type: KinesisErrorType;
  status: number;
}

const INVALID: Answer = { type: "InvalidArgumentException", status: 400 };
const IN_USE: Answer = { type: "ResourceInUseException", status: 400 };
const NOT_FOUND: Answer = { type: "ResourceNotFoundException", status: 400 };
const LIMIT: Answer = { type: "LimitExceededException", status: 400 };
const INTERNAL: Answer = { type: "InternalFailure", status: 500 };
const UNAVAILABLE: Answer = { type: "ServiceUnavailable", status: 503 };

const ANSWERS: Record<ErrorCode, Answer> = {
  stream_not_found: NOT_FOUND,
  stream_exists: IN_USE,
  stream_name_invalid: INVALID,
  stream_not_ready: IN_USE,
  shard_not_found: NOT_FOUND,
  // A write meets a closed shard only in the moment of a reshard: trying again finds the open one.
  shard_closed: INTERNAL,
  offset_out_of_range: INVALID,
  // The control socket's alone: no Kinesis operation names a user.
  user_not_found: NOT_FOUND,
  user_exists: IN_USE,
  argument_invalid: INVALID,
  batch_corrupt: INTERNAL,
  // Written so by a Kafka client and so for ever: trying again does not help.
  batch_invalid: INVALID,
  batch_too_large: { type: "ValidationException", status: 400 },
  compression_unsupported: INVALID,
  // Kafka's alone: no Kinesis client has a producer id.
  sequence_out_of_order: INTERNAL,
  sequence_duplicate: INTERNAL,
  producer_fenced: INTERNAL,
  transaction_invalid: INTERNAL,
  decompression_failed: INVALID,
  timestamp_invalid: INVALID,
  shard_count_invalid: INVALID,
  replication_invalid: INVALID,
  config_invalid: INVALID,
  unsupported: INVALID,
  limit_exceeded: LIMIT,
  storage_damaged: INTERNAL,
  storage_failed: INTERNAL,
  disk_full: INTERNAL,
  shutting_down: UNAVAILABLE,
  timed_out: UNAVAILABLE,
  folder_in_use: INTERNAL,
};

/** What a client is told about `error`; undefined when it is a bug and not an expected failure. */
export function toKinesisError(error: unknown): KinesisError | undefined {
  if (error instanceof KinesisError) return error;
  if (!(error instanceof VoikError)) return undefined;
  const { type, status } = ANSWERS[error.code];
  return new KinesisError(type, error.messageToClients, status);
}

/** ErrorCode of one failed record of PutRecords: what AWS names there is one of two (API_PutRecordsResultEntry). */
export function recordErrorCode(
  error: VoikError,
): "InternalFailure" | "ProvisionedThroughputExceededException" {
  return error.code === "limit_exceeded" ? "ProvisionedThroughputExceededException" : "InternalFailure";
}

export function invalidArgument(message: string): KinesisError {
  return new KinesisError("InvalidArgumentException", message);
}

export function notFound(message: string): KinesisError {
  return new KinesisError("ResourceNotFoundException", message);
}

export function throughputExceeded(message: string): KinesisError {
  return new KinesisError("ProvisionedThroughputExceededException", message);
}

export function resourceInUse(message: string): KinesisError {
  return new KinesisError("ResourceInUseException", message);
}

/** To be called when a request with DryRun has passed every check and nothing was done yet. */
export function endDryRun(dryRun: boolean | undefined): void {
  if (!dryRun) return;
  throw new KinesisError(
    "DryRunOperationException",
    "Request would have succeeded, but the DryRun flag is set.",
  );
}

export function serializationError(message = ""): KinesisError {
  return new KinesisError("SerializationException", message);
}
