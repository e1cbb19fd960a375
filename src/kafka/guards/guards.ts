/**
 * THE table of who may do what: a guard for every API (https://kafka.apache.org/documentation/#operations_resources_and_protocols).
 * An API without one is refused while ACLs are enforced; test/kafka/security/acl-matrix.test.ts fails on it.
 */
import { SaslHandshake } from "../messages/17-sasl-handshake.ts";
import { ApiVersions } from "../messages/18-api-versions.ts";
import { DescribeLogDirs } from "../messages/35-describe-log-dirs.ts";
import { SaslAuthenticate } from "../messages/36-sasl-authenticate.ts";
import { DescribeCluster } from "../messages/60-describe-cluster.ts";
import { ListConfigResources } from "../messages/74-list-config-resources.ts";
import { CONSUMER_GROUP_GUARDS } from "./consumer-group-guards.ts";
import { GROUP_GUARDS } from "./group-guards.ts";
import { clusterDenied, guard, type Guard, open } from "./guard.ts";
import { RECORD_GUARDS } from "./record-guards.ts";
import { SECURITY_GUARDS } from "./security-guards.ts";
import { TOPIC_GUARDS } from "./topic-guards.ts";
import { TRANSACTION_GUARDS } from "./transaction-guards.ts";

const { errorCode } = clusterDenied;

const CLUSTER_GUARDS: readonly Guard[] = [
  open(SaslHandshake),
  open(ApiVersions),
  open(SaslAuthenticate),
  open(DescribeCluster),
  guard(DescribeLogDirs, (_request, { may }) =>
    may.cluster("describe") ? undefined : { throttleTimeMs: 0, errorCode, results: [] },
  ),
  guard(ListConfigResources, (_request, { may }) =>
    may.cluster("describe-configs") ? undefined : { throttleTimeMs: 0, errorCode, configResources: [] },
  ),
];

const byKey: (Guard | undefined)[] = [];
for (const one of [
  ...RECORD_GUARDS,
  ...TOPIC_GUARDS,
  ...GROUP_GUARDS,
  ...CONSUMER_GROUP_GUARDS,
  ...TRANSACTION_GUARDS,
  ...SECURITY_GUARDS,
  ...CLUSTER_GUARDS,
]) {
  byKey[one.key] = one;
}

/** The guard of the API with that key. */
export function guardOf(key: number): Guard | undefined {
  return byKey[key];
}
