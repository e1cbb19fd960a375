/**
 * ApiVersions: the table of apis.ts, as clients want it. The first request of nearly every client. The features say which
 * behaviour goes with the versions: transaction.version 2 is KIP-890, a new epoch after each transaction; group.version 1 is
 * KIP-848, groups that the broker assigns.
 */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { KafkaContext } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type { ApiVersionsRequest, ApiVersionsResponse } from "../messages/18-api-versions.ts";

type Reply = InputOf<typeof ApiVersionsResponse>;

const FEATURES = [
  { name: "group.version", level: 1 },
  { name: "transaction.version", level: 2 },
];
const FEATURES_EPOCH = 0;
const SUPPORTED = FEATURES.map(({ name, level }) => ({ name, minVersion: 1, maxVersion: level }));
const FINALIZED = FEATURES.map(({ name, level }) => ({
  name,
  minVersionLevel: level,
  maxVersionLevel: level,
}));

/** What this broker speaks, with `errorCode`. */
export function apiVersions(context: KafkaContext, errorCode: KafkaError): Reply {
  return {
    errorCode,
    apiKeys: context.spokenApis,
    supportedFeatures: SUPPORTED,
    finalizedFeaturesEpoch: FEATURES_EPOCH,
    finalizedFeatures: FINALIZED,
  };
}

export const apiVersionsHandler: Handler<BodyOf<typeof ApiVersionsRequest>, Reply> = (_request, call) =>
  apiVersions(call.context, KafkaError.none);
