/** ApiVersions: the table of apis.ts, as clients want it. The first request of nearly every client. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { KafkaContext } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type { ApiVersionsRequest, ApiVersionsResponse } from "../messages/18-api-versions.ts";

type Reply = InputOf<typeof ApiVersionsResponse>;

/** What this broker speaks, with `errorCode`. */
export function apiVersions(context: KafkaContext, errorCode: KafkaError): Reply {
  return { errorCode, apiKeys: context.spokenApis };
}

export const apiVersionsHandler: Handler<BodyOf<typeof ApiVersionsRequest>, Reply> = (_request, call) =>
  apiVersions(call.context, KafkaError.none);
