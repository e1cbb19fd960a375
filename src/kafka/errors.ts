/**
 * Kafka's error codes that voik answers with (https://kafka.apache.org/protocol#protocol_error_codes), and the one
 * place where voik's closed list of failures is turned into them.
 */
import { type ErrorCode, VoikError } from "../base/errors.ts";

export const KafkaError = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  invalidRequiredAcks: 21,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  invalidGroupId: 24,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedSaslMechanism: 33,
  illegalSaslState: 34,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidReplicaAssignment: 39,
  invalidConfig: 40,
  invalidRequest: 42,
  policyViolation: 44,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  securityDisabled: 54,
  operationNotAttempted: 55,
  storageError: 56,
  saslAuthenticationFailed: 58,
  nonEmptyGroup: 68,
  groupIdNotFound: 69,
  fetchSessionIdNotFound: 70,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  unsupportedCompressionType: 76,
  memberIdRequired: 79,
  groupMaxSizeReached: 81,
  fencedInstanceId: 82,
  groupSubscribedToTopic: 86,
  invalidRecord: 87,
  unstableOffsetCommit: 88,
  producerFenced: 90,
  resourceNotFound: 91,
  duplicateResource: 92,
  unacceptableCredential: 93,
  unknownTopicId: 100,
  transactionalIdNotFound: 105,
  fencedMemberEpoch: 110,
  unreleasedInstanceId: 111,
  unsupportedAssignor: 112,
  staleMemberEpoch: 113,
  mismatchedEndpointType: 114,
  transactionAbortable: 120,
  invalidRegularExpression: 128,
} as const;

export type KafkaError = (typeof KafkaError)[keyof typeof KafkaError];

const BY_CODE: Record<ErrorCode, KafkaError> = {
  stream_not_found: KafkaError.unknownTopicOrPartition,
  stream_exists: KafkaError.topicAlreadyExists,
  stream_name_invalid: KafkaError.invalidTopic,
  stream_not_ready: KafkaError.leaderNotAvailable,
  shard_not_found: KafkaError.unknownTopicOrPartition,
  // Not retriable: the producer has to choose another partition.
  shard_closed: KafkaError.policyViolation,
  offset_out_of_range: KafkaError.offsetOutOfRange,
  user_not_found: KafkaError.resourceNotFound,
  user_exists: KafkaError.duplicateResource,
  argument_invalid: KafkaError.invalidRequest,
  batch_corrupt: KafkaError.corruptMessage,
  batch_invalid: KafkaError.invalidRecord,
  batch_too_large: KafkaError.messageTooLarge,
  compression_unsupported: KafkaError.unsupportedCompressionType,
  sequence_out_of_order: KafkaError.outOfOrderSequenceNumber,
  sequence_duplicate: KafkaError.duplicateSequenceNumber,
  producer_fenced: KafkaError.invalidProducerEpoch,
  transaction_invalid: KafkaError.invalidTxnState,
  // Not messageTooLarge: on that the Java client splits the batch and sends it again.
  decompression_failed: KafkaError.invalidRecord,
  timestamp_invalid: KafkaError.invalidTimestamp,
  shard_count_invalid: KafkaError.invalidPartitions,
  replication_invalid: KafkaError.invalidReplicationFactor,
  config_invalid: KafkaError.invalidConfig,
  unsupported: KafkaError.invalidRequest,
  limit_exceeded: KafkaError.policyViolation,
  storage_damaged: KafkaError.corruptMessage,
  storage_failed: KafkaError.storageError,
  disk_full: KafkaError.storageError,
  // Retriable: the client looks for the leader again and finds the restarted broker.
  shutting_down: KafkaError.notLeaderOrFollower,
  timed_out: KafkaError.requestTimedOut,
  folder_in_use: KafkaError.storageError,
};

/** The Kafka code of an expected failure. Anything else is a bug and goes on as it is. */
export function kafkaErrorOf(error: unknown): KafkaError {
  if (error instanceof VoikError) return BY_CODE[error.code];
  throw error;
}

/** A code and what to tell the person. */
export interface Refusal {
  errorCode: KafkaError;
  errorMessage: string;
}

const MESSAGE_LENGTH_MAX = 1000;

/** A message short enough for every version of the protocol, however long the names are that it quotes. */
export function clip(message: string): string {
  return message.length <= MESSAGE_LENGTH_MAX ? message : `${message.slice(0, MESSAGE_LENGTH_MAX)}…`;
}

/** The refusal that an expected failure amounts to. Anything else is a bug and goes on as it is. */
export function refusalOf(error: unknown): Refusal {
  return { errorCode: kafkaErrorOf(error), errorMessage: clip((error as VoikError).messageToClients) };
}
