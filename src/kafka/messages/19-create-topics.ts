/** CreateTopics. From version 4 on -1 partitions or replicas mean the broker's default (KIP-464); 7 tells the id. */
import { array, bool, int16, int32, int8, string, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-7", flexible: "5+" };

export const CreateTopicsRequest = message("CreateTopicsRequest", ranges, {
  topics: array("0+", {
    name: string("0+"),
    numPartitions: int32("0+"),
    replicationFactor: int16("0+"),
    assignments: array("0+", { partitionIndex: int32("0+"), brokerIds: array("0+", int32()) }),
    configs: array("0+", { name: string("0+"), value: string("0+", { nullable: "0+" }) }),
  }),
  timeoutMs: int32("0+", { default: 60000 }),
  validateOnly: bool("1+", { default: false }),
});

export const CreateTopicsResponse = message("CreateTopicsResponse", ranges, {
  throttleTimeMs: int32("2+", { default: 0 }),
  topics: array("0+", {
    name: string("0+"),
    topicId: uuid("7+"),
    errorCode: int16("0+"),
    errorMessage: string("1+", { nullable: "0+" }),
    topicConfigErrorCode: int16("5+", { tag: 0 }),
    numPartitions: int32("5+", { default: -1 }),
    replicationFactor: int16("5+", { default: -1 }),
    configs: array(
      "5+",
      {
        name: string("5+"),
        value: string("5+", { nullable: "5+" }),
        readOnly: bool("5+"),
        configSource: int8("5+", { default: -1 }),
        isSensitive: bool("5+"),
      },
      { nullable: "5+" },
    ),
  }),
});

export const CreateTopics = {
  key: 19,
  name: "CreateTopics",
  request: CreateTopicsRequest,
  reply: CreateTopicsResponse,
};
