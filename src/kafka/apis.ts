/**
 * THE table: every API that this broker speaks, with its versions, its messages and its handler. Adding one touches
 * messages/NN-name.ts, handlers/NN-name.ts, one line here, and a test.
 */
import type { Api, ApiFlags, Handler } from "./call.ts";
import type { Decoded, Encodable, Fields } from "./codec/fields.ts";
import type { ApiMessages } from "./codec/message.ts";
import { fetchHandler } from "./handlers/01-fetch.ts";
import { listOffsetsHandler } from "./handlers/02-list-offsets.ts";
import { metadataHandler } from "./handlers/03-metadata.ts";
import { produceHandler } from "./handlers/00-produce.ts";
import { findCoordinatorHandler } from "./handlers/10-find-coordinator.ts";
import { apiVersionsHandler } from "./handlers/18-api-versions.ts";
import { createTopicsHandler } from "./handlers/19-create-topics.ts";
import { deleteTopicsHandler } from "./handlers/20-delete-topics.ts";
import { describeConfigsHandler } from "./handlers/32-describe-configs.ts";
import { describeClusterHandler } from "./handlers/60-describe-cluster.ts";
import { Produce } from "./messages/00-produce.ts";
import { Fetch } from "./messages/01-fetch.ts";
import { ListOffsets } from "./messages/02-list-offsets.ts";
import { Metadata } from "./messages/03-metadata.ts";
import { FindCoordinator } from "./messages/10-find-coordinator.ts";
import { ApiVersions } from "./messages/18-api-versions.ts";
import { CreateTopics } from "./messages/19-create-topics.ts";
import { DeleteTopics } from "./messages/20-delete-topics.ts";
import { DescribeConfigs } from "./messages/32-describe-configs.ts";
import { DescribeCluster } from "./messages/60-describe-cluster.ts";

function api<RequestFields extends Fields, ReplyFields extends Fields>(
  messages: ApiMessages<RequestFields, ReplyFields>,
  handle: Handler<Decoded<RequestFields>, Encodable<ReplyFields>>,
  flags: ApiFlags = {},
): Api {
  return { ...(messages as unknown as ApiMessages), handle, ...flags };
}

export const APIS: readonly Api[] = [
  // librdkafka takes lz4 and snappy for unsupported unless Produce 0 is told of (KAFKA-18659); nobody sends it.
  api(Produce, produceHandler, { pipelined: true, advertisedMin: 0 }),
  api(Fetch, fetchHandler),
  api(ListOffsets, listOffsetsHandler),
  api(Metadata, metadataHandler),
  api(FindCoordinator, findCoordinatorHandler),
  api(ApiVersions, apiVersionsHandler),
  api(CreateTopics, createTopicsHandler),
  api(DeleteTopics, deleteTopicsHandler),
  api(DescribeConfigs, describeConfigsHandler),
  api(DescribeCluster, describeClusterHandler),
];

export const API_VERSIONS_KEY = 18;

const byKey: (Api | undefined)[] = [];
for (const entry of APIS) byKey[entry.key] = entry;

/** The API of that key, if it is spoken. */
export function apiOf(key: number): Api | undefined {
  return byKey[key];
}
