/**
 * What a client may do to a topic, a group or the cluster, as Metadata, DescribeCluster, DescribeTopicPartitions and
 * the descriptions of groups tell it when asked (KIP-430): bit n stands for Kafka's ACL operation n. Without ACLs it
 * is everything that the resource has. It is the same rules that requests meet (access/acl-book.ts), asked ahead.
 */
import { CLUSTER_NAME, OPERATIONS_OF } from "../access/acl.ts";
import { operationNumberOf } from "./acl-codes.ts";
import type { Call } from "./call.ts";

/** The operations on the resource that the caller may do, as bits. */
export function authorizedOperations(call: Call, type: "topic" | "group" | "cluster", name: string): number {
  const { access } = call.context;
  const { session, clientHost } = call.owner;
  let bits = 0;
  for (const operation of OPERATIONS_OF[type]) {
    if (operation === "all") continue;
    if (access.authorize(session.principal, clientHost, operation, type, name))
      bits |= 1 << operationNumberOf(operation);
  }
  return bits;
}

/** Those on the cluster, for who may describe it; none for others. */
export function clusterOperations(call: Call): number {
  const { access } = call.context;
  const { session, clientHost } = call.owner;
  const seen = access.authorize(session.principal, clientHost, "describe", "cluster", CLUSTER_NAME);
  return seen ? authorizedOperations(call, "cluster", CLUSTER_NAME) : 0;
}
