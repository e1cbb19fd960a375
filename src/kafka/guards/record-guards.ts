/** Who may write, read and look up records: Produce, Fetch, ListOffsets, DeleteRecords and what goes with them. */
import { EMPTY_BYTES } from "../codec/reader.ts";
import { NO_TOPIC_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import { Produce } from "../messages/00-produce.ts";
import { Fetch } from "../messages/01-fetch.ts";
import { ListOffsets } from "../messages/02-list-offsets.ts";
import { DeleteRecords } from "../messages/21-delete-records.ts";
import { OffsetForLeaderEpoch } from "../messages/23-offset-for-leader-epoch.ts";
import { DescribeProducers } from "../messages/61-describe-producers.ts";
import type { Call } from "../call.ts";
import { guard, type Guard, takeDenied, topicDenied } from "./guard.ts";

const { errorCode } = topicDenied;

/** The name of a topic that may be given by id; undefined when there is none with the id. */
function nameOf({ context }: Call, name: string, topicId: string): string | undefined {
  return topicId === NO_TOPIC_ID ? name : context.broker.streamById(topicId)?.name;
}

export const RECORD_GUARDS: readonly Guard[] = [
  guard(Produce, (request, { may, call, amend }) => {
    const { transactionalId, topicData, acks } = request;
    const mayWrite = transactionalId === null || may.transaction("write", transactionalId);
    const denied = takeDenied(topicData, ({ name, topicId }) => {
      const real = nameOf(call, name, topicId);
      return mayWrite && (real === undefined || may.topic("write", real));
    });
    if (denied.length === 0) return undefined;
    const refusal = mayWrite
      ? topicDenied
      : { ...topicDenied, errorCode: KafkaError.transactionalIdAuthorizationFailed };
    const responses = denied.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        ...refusal,
        baseOffset: -1,
        recordErrors: [],
      })),
    }));
    // Without a reply, the end of the connection has to say it.
    if (acks === 0) call.fail("acks0");
    else amend((reply) => ({ ...reply, responses: [...reply.responses, ...responses] }));
    return undefined;
  }),
  guard(Fetch, (request, { may, call, amend }) => {
    const denied = takeDenied(request.topics, ({ topic, topicId }) => {
      const real = nameOf(call, topic, topicId);
      return real === undefined || may.topic("read", real);
    });
    if (denied.length === 0) return undefined;
    // A partition that can't be read is told of at once.
    request.maxWaitMs = 0;
    const responses = denied.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        abortedTransactions: null,
        records: EMPTY_BYTES,
      })),
    }));
    amend((reply) => ({ ...reply, responses: [...reply.responses, ...responses] }));
    return undefined;
  }),
  guard(ListOffsets, ({ topics }, { may, amend }) => {
    const denied = takeDenied(topics, ({ name }) => may.topic("describe", name)).map(
      ({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode,
          timestamp: -1,
          offset: -1,
        })),
      }),
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
  guard(DeleteRecords, ({ topics }, { may, amend }) => {
    const denied = takeDenied(topics, ({ name }) => may.topic("delete", name)).map(
      ({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode })),
      }),
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
  guard(OffsetForLeaderEpoch, ({ topics }, { may, amend }) => {
    const denied = takeDenied(topics, ({ topic }) => may.topic("describe", topic)).map(
      ({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
      }),
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
  guard(DescribeProducers, ({ topics }, { may, amend }) => {
    const denied = takeDenied(topics, ({ name }) => may.topic("read", name)).map(
      ({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          ...topicDenied,
          activeProducers: [],
        })),
      }),
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
];
