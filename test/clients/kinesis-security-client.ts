/**
 * As kinesis-security-client.py, with AWS's client for JavaScript, over HTTP/2 and HTTP/1.1. A process of its own,
 * because it takes the authority from NODE_EXTRA_CA_CERTS, which is read once.
 */
import {
  GetShardIteratorCommand,
  KinesisClient,
  ListStreamsCommand,
  PutRecordCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [, , endpoint = "", http = ""] = process.argv;
const client = new KinesisClient({
  endpoint,
  maxAttempts: 1,
  ...(http === "http1" && { requestHandler: new NodeHttpHandler() }),
});
const record = { PartitionKey: "k", Data: Buffer.from("from JavaScript") };
const attempts = {
  list: () => client.send(new ListStreamsCommand({})),
  put: () => client.send(new PutRecordCommand({ StreamName: "orders", ...record })),
  read: () =>
    client.send(
      new GetShardIteratorCommand({ StreamName: "orders", ShardId: "0", ShardIteratorType: "LATEST" }),
    ),
  other: () => client.send(new PutRecordCommand({ StreamName: "other", ...record })),
};
const results: Record<string, string> = {};
for (const [name, attempt] of Object.entries(attempts)) {
  results[name] = await attempt().then(
    () => "ok",
    (error: Error) => error.name,
  );
}
console.log(JSON.stringify(results));
