/** DescribeCluster: one broker, which is also the controller. */
import { clusterOperations } from "../authorized-operations.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { clusterIdOf, NODE_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type { DescribeClusterRequest, DescribeClusterResponse } from "../messages/60-describe-cluster.ts";

const ENDPOINT_BROKERS = 1;

export const describeClusterHandler: Handler<
  BodyOf<typeof DescribeClusterRequest>,
  InputOf<typeof DescribeClusterResponse>
> = (request, call) => {
  const wrongEndpoint = request.endpointType !== ENDPOINT_BROKERS;
  return {
    throttleTimeMs: 0,
    errorCode: wrongEndpoint ? KafkaError.mismatchedEndpointType : KafkaError.none,
    errorMessage: wrongEndpoint
      ? "this is a broker: ask it with --bootstrap-server, there is no controller port"
      : null,
    endpointType: ENDPOINT_BROKERS,
    clusterId: clusterIdOf(call.context.broker),
    controllerId: NODE_ID,
    ...(request.includeClusterAuthorizedOperations && {
      clusterAuthorizedOperations: clusterOperations(call),
    }),
    brokers: wrongEndpoint ? [] : [{ brokerId: NODE_ID, ...call.owner.advertised }],
  };
};
