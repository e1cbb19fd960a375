/**
 * Metadata: brokers, topics and partitions; may create topics that are asked for. An empty list means all topics in
 * version 0, none later; null means all. Version 12 asks by topic id, 13 has an error for the whole answer.
 */
import { array, bool, int16, int32, string, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-13", flexible: "9+" };
const NO_OPERATIONS = -2147483648;

export const MetadataRequest = message("MetadataRequest", ranges, {
  topics: array(
    "0+",
    {
      topicId: uuid("10+", { default: "0".repeat(32) }),
      name: string("0+", { nullable: "10+" }),
    },
    { nullable: "1+" },
  ),
  allowAutoTopicCreation: bool("4+", { default: true }),
  includeClusterAuthorizedOperations: bool("8-10", { default: false }),
  includeTopicAuthorizedOperations: bool("8+", { default: false }),
});

export const MetadataResponse = message("MetadataResponse", ranges, {
  throttleTimeMs: int32("3+", { default: 0 }),
  brokers: array("0+", {
    nodeId: int32("0+"),
    host: string("0+"),
    port: int32("0+"),
    rack: string("1+", { nullable: "1+", default: null }),
  }),
  clusterId: string("2+", { nullable: "2+", default: null }),
  controllerId: int32("1+", { default: -1 }),
  topics: array("0+", {
    errorCode: int16("0+"),
    name: string("0+", { nullable: "12+" }),
    topicId: uuid("10+"),
    isInternal: bool("1+", { default: false }),
    partitions: array("0+", {
      errorCode: int16("0+"),
      partitionIndex: int32("0+"),
      leaderId: int32("0+"),
      leaderEpoch: int32("7+", { default: -1 }),
      replicaNodes: array("0+", int32()),
      isrNodes: array("0+", int32()),
      offlineReplicas: array("5+", int32()),
    }),
    topicAuthorizedOperations: int32("8+", { default: NO_OPERATIONS }),
  }),
  clusterAuthorizedOperations: int32("8-10", { default: NO_OPERATIONS }),
  errorCode: int16("13+", { default: 0 }),
});

export const Metadata = { key: 3, name: "Metadata", request: MetadataRequest, reply: MetadataResponse };
