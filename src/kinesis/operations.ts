/**
 * THE table: every operation that this edge offers, by the name in X-Amz-Target. One line and one file in handlers/
 * each; anything else is an UnknownOperationException.
 */
import { createStream } from "./handlers/create-stream.ts";
import { deleteStream } from "./handlers/delete-stream.ts";
import { describeStream } from "./handlers/describe-stream.ts";
import { describeStreamSummary } from "./handlers/describe-stream-summary.ts";
import { getRecords } from "./handlers/get-records.ts";
import { getShardIterator } from "./handlers/get-shard-iterator.ts";
import { listShards } from "./handlers/list-shards.ts";
import { listStreams } from "./handlers/list-streams.ts";
import { putRecord } from "./handlers/put-record.ts";
import { putRecords } from "./handlers/put-records.ts";
import type { Operation } from "./operation.ts";

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateStream: createStream,
  DeleteStream: deleteStream,
  DescribeStream: describeStream,
  DescribeStreamSummary: describeStreamSummary,
  GetRecords: getRecords,
  GetShardIterator: getShardIterator,
  ListShards: listShards,
  ListStreams: listStreams,
  PutRecord: putRecord,
  PutRecords: putRecords,
};
