/** DeleteTopics, by name, from version 6 on by name or id. */
import { array, int16, int32, string, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-6", flexible: "4+" };

export const DeleteTopicsRequest = message("DeleteTopicsRequest", ranges, {
  topics: array("6+", {
    name: string("6+", { nullable: "6+", default: null }),
    topicId: uuid("6+", { default: "0".repeat(32) }),
  }),
  topicNames: array("0-5", string()),
  timeoutMs: int32("0+"),
});

export const DeleteTopicsResponse = message("DeleteTopicsResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  responses: array("0+", {
    name: string("0+", { nullable: "6+" }),
    topicId: uuid("6+"),
    errorCode: int16("0+"),
    errorMessage: string("5+", { nullable: "5+", default: null }),
  }),
});

export const DeleteTopics = {
  key: 20,
  name: "DeleteTopics",
  request: DeleteTopicsRequest,
  reply: DeleteTopicsResponse,
};
