/**
 * THE table: every API that this broker speaks, with its versions, its messages and its handler. Adding one touches
 * messages/NN-name.ts, handlers/NN-name.ts, one line here, and a test.
 */
import type { ApiFlags } from "./api-flags.ts";
import type { Api, Handler } from "./call.ts";
import type { Decoded, Encodable, Fields } from "./codec/fields.ts";
import type { ApiMessages } from "./codec/message.ts";
import { produceHandler } from "./handlers/00-produce.ts";
import { fetchHandler } from "./handlers/01-fetch.ts";
import { listOffsetsHandler } from "./handlers/02-list-offsets.ts";
import { metadataHandler } from "./handlers/03-metadata.ts";
import { offsetCommitHandler } from "./handlers/08-offset-commit.ts";
import { offsetFetchHandler } from "./handlers/09-offset-fetch.ts";
import { findCoordinatorHandler } from "./handlers/10-find-coordinator.ts";
import { joinGroupHandler } from "./handlers/11-join-group.ts";
import { heartbeatHandler } from "./handlers/12-heartbeat.ts";
import { leaveGroupHandler } from "./handlers/13-leave-group.ts";
import { syncGroupHandler } from "./handlers/14-sync-group.ts";
import { describeGroupsHandler } from "./handlers/15-describe-groups.ts";
import { listGroupsHandler } from "./handlers/16-list-groups.ts";
import { saslHandshakeHandler } from "./handlers/17-sasl-handshake.ts";
import { apiVersionsHandler } from "./handlers/18-api-versions.ts";
import { createTopicsHandler } from "./handlers/19-create-topics.ts";
import { deleteTopicsHandler } from "./handlers/20-delete-topics.ts";
import { deleteRecordsHandler } from "./handlers/21-delete-records.ts";
import { initProducerIdHandler } from "./handlers/22-init-producer-id.ts";
import { offsetForLeaderEpochHandler } from "./handlers/23-offset-for-leader-epoch.ts";
import { addPartitionsToTxnHandler } from "./handlers/24-add-partitions-to-txn.ts";
import { addOffsetsToTxnHandler } from "./handlers/25-add-offsets-to-txn.ts";
import { endTxnHandler } from "./handlers/26-end-txn.ts";
import { txnOffsetCommitHandler } from "./handlers/28-txn-offset-commit.ts";
import { describeAclsHandler } from "./handlers/29-describe-acls.ts";
import { createAclsHandler } from "./handlers/30-create-acls.ts";
import { deleteAclsHandler } from "./handlers/31-delete-acls.ts";
import { describeConfigsHandler } from "./handlers/32-describe-configs.ts";
import { alterConfigsHandler } from "./handlers/33-alter-configs.ts";
import { describeLogDirsHandler } from "./handlers/35-describe-log-dirs.ts";
import { saslAuthenticateHandler } from "./handlers/36-sasl-authenticate.ts";
import { createPartitionsHandler } from "./handlers/37-create-partitions.ts";
import { deleteGroupsHandler } from "./handlers/42-delete-groups.ts";
import { incrementalAlterConfigsHandler } from "./handlers/44-incremental-alter-configs.ts";
import { offsetDeleteHandler } from "./handlers/47-offset-delete.ts";
import { describeClientQuotasHandler } from "./handlers/48-describe-client-quotas.ts";
import { alterClientQuotasHandler } from "./handlers/49-alter-client-quotas.ts";
import { describeUserScramCredentialsHandler } from "./handlers/50-describe-user-scram-credentials.ts";
import { alterUserScramCredentialsHandler } from "./handlers/51-alter-user-scram-credentials.ts";
import { describeClusterHandler } from "./handlers/60-describe-cluster.ts";
import { describeProducersHandler } from "./handlers/61-describe-producers.ts";
import { describeTransactionsHandler } from "./handlers/65-describe-transactions.ts";
import { listTransactionsHandler } from "./handlers/66-list-transactions.ts";
import { consumerGroupHeartbeatHandler } from "./handlers/68-consumer-group-heartbeat.ts";
import { consumerGroupDescribeHandler } from "./handlers/69-consumer-group-describe.ts";
import { listConfigResourcesHandler } from "./handlers/74-list-config-resources.ts";
import { describeTopicPartitionsHandler } from "./handlers/75-describe-topic-partitions.ts";
import { Produce } from "./messages/00-produce.ts";
import { Fetch } from "./messages/01-fetch.ts";
import { ListOffsets } from "./messages/02-list-offsets.ts";
import { Metadata } from "./messages/03-metadata.ts";
import { OffsetCommit } from "./messages/08-offset-commit.ts";
import { OffsetFetch } from "./messages/09-offset-fetch.ts";
import { FindCoordinator } from "./messages/10-find-coordinator.ts";
import { JoinGroup } from "./messages/11-join-group.ts";
import { Heartbeat } from "./messages/12-heartbeat.ts";
import { LeaveGroup } from "./messages/13-leave-group.ts";
import { SyncGroup } from "./messages/14-sync-group.ts";
import { DescribeGroups } from "./messages/15-describe-groups.ts";
import { ListGroups } from "./messages/16-list-groups.ts";
import { SaslHandshake } from "./messages/17-sasl-handshake.ts";
import { ApiVersions } from "./messages/18-api-versions.ts";
import { CreateTopics } from "./messages/19-create-topics.ts";
import { DeleteTopics } from "./messages/20-delete-topics.ts";
import { DeleteRecords } from "./messages/21-delete-records.ts";
import { InitProducerId } from "./messages/22-init-producer-id.ts";
import { OffsetForLeaderEpoch } from "./messages/23-offset-for-leader-epoch.ts";
import { AddPartitionsToTxn } from "./messages/24-add-partitions-to-txn.ts";
import { AddOffsetsToTxn } from "./messages/25-add-offsets-to-txn.ts";
import { EndTxn } from "./messages/26-end-txn.ts";
import { TxnOffsetCommit } from "./messages/28-txn-offset-commit.ts";
import { DescribeAcls } from "./messages/29-describe-acls.ts";
import { CreateAcls } from "./messages/30-create-acls.ts";
import { DeleteAcls } from "./messages/31-delete-acls.ts";
import { DescribeConfigs } from "./messages/32-describe-configs.ts";
import { AlterConfigs } from "./messages/33-alter-configs.ts";
import { DescribeLogDirs } from "./messages/35-describe-log-dirs.ts";
import { SaslAuthenticate } from "./messages/36-sasl-authenticate.ts";
import { CreatePartitions } from "./messages/37-create-partitions.ts";
import { DeleteGroups } from "./messages/42-delete-groups.ts";
import { IncrementalAlterConfigs } from "./messages/44-incremental-alter-configs.ts";
import { OffsetDelete } from "./messages/47-offset-delete.ts";
import { DescribeClientQuotas } from "./messages/48-describe-client-quotas.ts";
import { AlterClientQuotas } from "./messages/49-alter-client-quotas.ts";
import { DescribeUserScramCredentials } from "./messages/50-describe-user-scram-credentials.ts";
import { AlterUserScramCredentials } from "./messages/51-alter-user-scram-credentials.ts";
import { DescribeCluster } from "./messages/60-describe-cluster.ts";
import { DescribeProducers } from "./messages/61-describe-producers.ts";
import { DescribeTransactions } from "./messages/65-describe-transactions.ts";
import { ListTransactions } from "./messages/66-list-transactions.ts";
import { ConsumerGroupHeartbeat } from "./messages/68-consumer-group-heartbeat.ts";
import { ConsumerGroupDescribe } from "./messages/69-consumer-group-describe.ts";
import { ListConfigResources } from "./messages/74-list-config-resources.ts";
import { DescribeTopicPartitions } from "./messages/75-describe-topic-partitions.ts";

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
  api(OffsetCommit, offsetCommitHandler),
  api(OffsetFetch, offsetFetchHandler),
  api(FindCoordinator, findCoordinatorHandler),
  api(JoinGroup, joinGroupHandler),
  api(Heartbeat, heartbeatHandler),
  api(LeaveGroup, leaveGroupHandler),
  api(SyncGroup, syncGroupHandler),
  api(DescribeGroups, describeGroupsHandler),
  api(ListGroups, listGroupsHandler),
  api(SaslHandshake, saslHandshakeHandler, { beforeLogin: true }),
  api(ApiVersions, apiVersionsHandler, { beforeLogin: true }),
  api(CreateTopics, createTopicsHandler),
  api(DeleteTopics, deleteTopicsHandler),
  api(DeleteRecords, deleteRecordsHandler),
  api(InitProducerId, initProducerIdHandler),
  api(OffsetForLeaderEpoch, offsetForLeaderEpochHandler),
  api(AddPartitionsToTxn, addPartitionsToTxnHandler),
  api(AddOffsetsToTxn, addOffsetsToTxnHandler),
  api(EndTxn, endTxnHandler),
  api(TxnOffsetCommit, txnOffsetCommitHandler),
  api(DescribeAcls, describeAclsHandler),
  api(CreateAcls, createAclsHandler),
  api(DeleteAcls, deleteAclsHandler),
  api(DescribeConfigs, describeConfigsHandler),
  api(AlterConfigs, alterConfigsHandler),
  api(DescribeLogDirs, describeLogDirsHandler),
  api(SaslAuthenticate, saslAuthenticateHandler, { beforeLogin: true }),
  api(CreatePartitions, createPartitionsHandler),
  api(DeleteGroups, deleteGroupsHandler),
  api(IncrementalAlterConfigs, incrementalAlterConfigsHandler),
  api(OffsetDelete, offsetDeleteHandler),
  api(DescribeClientQuotas, describeClientQuotasHandler),
  api(AlterClientQuotas, alterClientQuotasHandler),
  api(DescribeUserScramCredentials, describeUserScramCredentialsHandler),
  api(AlterUserScramCredentials, alterUserScramCredentialsHandler),
  api(DescribeCluster, describeClusterHandler),
  api(DescribeProducers, describeProducersHandler),
  api(DescribeTransactions, describeTransactionsHandler),
  api(ListTransactions, listTransactionsHandler),
  api(ConsumerGroupHeartbeat, consumerGroupHeartbeatHandler),
  api(ConsumerGroupDescribe, consumerGroupDescribeHandler),
  api(ListConfigResources, listConfigResourcesHandler),
  api(DescribeTopicPartitions, describeTopicPartitionsHandler),
];

export const API_VERSIONS_KEY = 18;

const byKey: (Api | undefined)[] = [];
for (const entry of APIS) byKey[entry.key] = entry;

/** The API of that key, if it is spoken. */
export function apiOf(key: number): Api | undefined {
  return byKey[key];
}
