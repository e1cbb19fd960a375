/**
 * Shapes of the members that many operations share, with the constraints of AWS's service model
 * (kinesis-2013-12-02). StreamId is not among them: AWS's SDKs leave a custom endpoint behind once they see one,
 * so voik never gives one and ignores one.
 */
import { METRICS } from "./stream-settings.ts";
import { blob, integer, list, map, oneOf, required, structure, text, timestamp } from "./shapes.ts";

/** Data and partition keys of all records of one PutRecords. */
export const PUT_RECORDS_BYTES_MAX = 10 * 1024 * 1024;
export const PUT_RECORDS_MAX = 500;
/** Records that one GetRecords gives, and the bytes of data in them. */
export const GET_RECORDS_MAX = 10_000;
export const GET_RECORDS_BYTES_MAX = 10 * 1024 * 1024;

const NAME = "[a-zA-Z0-9_.-]+";

export const streamName = text({ lengthMin: 1, lengthMax: 128, pattern: NAME });
export const streamArn = text({
  lengthMin: 1,
  lengthMax: 2048,
  pattern: "arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+",
});
export const shardId = text({ lengthMin: 1, lengthMax: 128, pattern: NAME });
export const sequenceNumberText = text({ pattern: "0|([1-9]\\d{0,128})" });
export const hashKeyText = text({ pattern: "0|([1-9]\\d{0,38})" });
export const partitionKey = text({ lengthMin: 1, lengthMax: 256 });
export const nextToken = text({ lengthMin: 1, lengthMax: 1_048_576 });
export const pageLimit = integer({ min: 1, max: 10_000 });
export const data = blob(10 * 1024 * 1024);

/** Spread into the members of every operation on one stream. */
export const streamReference = { StreamName: streamName, StreamARN: streamArn } as const;

export const shardFilter = structure({
  Type: required(
    oneOf(
      "AFTER_SHARD_ID",
      "AT_TRIM_HORIZON",
      "FROM_TRIM_HORIZON",
      "AT_LATEST",
      "AT_TIMESTAMP",
      "FROM_TIMESTAMP",
    ),
  ),
  ShardId: shardId,
  Timestamp: timestamp(),
});

const ARN = "arn:aws.*:kinesis:.*:\\d{12}:.*stream/\\S+";

export const consumerName = text({ lengthMin: 1, lengthMax: 128, pattern: NAME });
export const consumerArn = text({
  lengthMin: 1,
  lengthMax: 2048,
  pattern: "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+",
});
export const resourceArn = text({ lengthMin: 1, lengthMax: 2048, pattern: ARN });
const tagKey = text({ lengthMin: 1, lengthMax: 128 });
export const tagMap = map(tagKey, text({ lengthMin: 0, lengthMax: 256 }), { lengthMin: 1, lengthMax: 200 });
export const tagKeys = list(tagKey, { lengthMin: 1, lengthMax: 50 });
export const tagKeyText = tagKey;
export const retentionHours = integer();
export const metricsNames = list(oneOf(...METRICS, "ALL"), { lengthMin: 1, lengthMax: 7 });
export const keyId = text({ lengthMin: 1, lengthMax: 2048 });
export const encryptionType = oneOf("NONE", "KMS");
export const maxRecordKib = integer({ min: 1024, max: 10_240 });
export const warmThroughputMib = integer({ min: 0 });
export const distributionStrategy = oneOf("AUTO", "USER_PARTITION_KEY");

export const streamModeDetails = structure({ StreamMode: required(oneOf("PROVISIONED", "ON_DEMAND")) });

export const putRecordsEntries = list(
  structure({ Data: required(data), PartitionKey: partitionKey, ExplicitHashKey: hashKeyText }),
  { lengthMin: 1, lengthMax: PUT_RECORDS_MAX },
);
