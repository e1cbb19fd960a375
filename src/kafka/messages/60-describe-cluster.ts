/** DescribeCluster: the brokers and the cluster's id. Version 1 tells brokers from controllers, 2 fenced brokers. */
import { array, bool, int16, int32, int8, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-2", flexible: "0+" };

export const DescribeClusterRequest = message("DescribeClusterRequest", ranges, {
  includeClusterAuthorizedOperations: bool("0+"),
  endpointType: int8("1+", { default: 1 }),
  includeFencedBrokers: bool("2+", { default: false }),
});

export const DescribeClusterResponse = message("DescribeClusterResponse", ranges, {
  throttleTimeMs: int32("0+"),
  errorCode: int16("0+"),
  errorMessage: string("0+", { nullable: "0+", default: null }),
  endpointType: int8("1+", { default: 1 }),
  clusterId: string("0+"),
  controllerId: int32("0+", { default: -1 }),
  brokers: array("0+", {
    brokerId: int32("0+"),
    host: string("0+"),
    port: int32("0+"),
    rack: string("0+", { nullable: "0+", default: null }),
    isFenced: bool("2+", { default: false }),
  }),
  clusterAuthorizedOperations: int32("0+", { default: -2147483648 }),
});

export const DescribeCluster = {
  key: 60,
  name: "DescribeCluster",
  request: DescribeClusterRequest,
  reply: DescribeClusterResponse,
};
