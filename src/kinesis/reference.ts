/**
 * The operation table of docs/kinesis.md, written from operations.ts; a test asserts that the page is current. An
 * operation that differs from AWS's has its line in DIFFERENCES, with the reason; any other behaves as AWS documents.
 */
import { Availability } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

/** What a client can tell from AWS, and why it is so. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  CreateStream:
    "The stream is there when the reply comes, so CREATING is shown only with `--kinesis-transition-ms`. The shard limit is `--shard-count-max`, and counts closed shards: each holds files.",
  DeleteStream: "The records are gone when the reply comes; DELETING as CREATING above.",
  DeregisterStreamConsumer: "The consumer is gone when the reply comes: DELETING is never shown.",
  DescribeLimits:
    "`ShardLimit` is `--shard-count-max`; the limit of on-demand streams holds with `--kinesis-limits=aws` only. No channels.",
  DescribeStreamSummary:
    "Never a `StreamId`, here or elsewhere: AWS SDKs leave a custom endpoint once they have seen one.",
  DescribeAccountSettings: "Recorded and shown: voik bills nobody.",
  DisableEnhancedMonitoring: "Recorded and shown; /metrics is always on.",
  EnableEnhancedMonitoring: "Recorded and shown; /metrics is always on.",
  GetRecords:
    "What a Kafka client wrote is shown as decision 0032 says; records that went bad on the disk are an InternalFailure (500) that says how to go on behind them. Where memory is short it gives fewer records. `EncryptionType` is absent: no stream is encrypted.",
  ListShards:
    "A closed shard is listed until retention has passed it for an hour of running time, so that a clock that jumps takes nothing at once.",
  PutRecords:
    "A record above the stream's own largest size fails the whole request before anything is written (AWS does not say what it does).",
  PutResourcePolicy:
    "Kept and given back; it allows and denies nobody: who may do what is set by `voik acl`.",
  RegisterStreamConsumer: "At most 20 consumers a stream, in on-demand mode too.",
  StartStreamEncryption:
    "InvalidArgumentException, KMSNotFoundException for any key but alias/aws/kinesis: records lie on the disk as they came, so voik does not say that they are encrypted (decision 0112). Keep the data folder on an encrypted disk.",
  StopStreamEncryption: "InvalidArgumentException: no stream is encrypted.",
  SubscribeToShard: "A subscriber that takes nothing for 255 seconds is cut off.",
  UpdateAccountSettings: "Recorded and shown: voik bills nobody.",
  UpdateShardCount: "AWS's limit of ten a day holds with `--kinesis-limits=aws` only.",
  UpdateStreamMode:
    "Recorded and shown; an on-demand stream refuses manual resharding as with AWS, and voik does not scale it: a shard here takes what the disk takes. AWS's limit of two changes a day holds with `--kinesis-limits=aws` only.",
  UpdateStreamRecordDistributionStrategy:
    "AUTO is each open shard in its turn (AWS does not say how it does it). A record written without a partition key shows none while the stream's strategy is AUTO, and its offset under the other.",
  UpdateStreamWarmThroughput: "Recorded and shown: nothing here needs warming up.",
};

const CHANNELS = "ValidationException: channels deliver to Amazon S3, which voik does not do.";
const BEGIN = "<!-- operations: written by `make docs` from src/kinesis/reference.ts -->";
const END = "<!-- end of operations -->";

/** The table as Markdown. */
export function renderOperations(): string {
  const offered = Object.values(OPERATIONS).filter(
    ({ availability }) => availability === Availability.offered,
  );
  const rows = Object.entries(OPERATIONS).map(([name, { availability }]) => {
    const status = availability === Availability.offered ? "yes" : "modelled error";
    const difference = DIFFERENCES[name] ?? (availability === Availability.offered ? "" : CHANNELS);
    return `| ${name} | ${status} | ${difference} |`;
  });
  const total = Object.keys(OPERATIONS).length;
  return `${offered.length} of ${total} operations of AWS's API are offered.

| operation | offered | what differs from AWS, and why |
| --- | --- | --- |
${rows.join("\n")}`;
}

/** `page` with the table in its place. Throws when the page has no place for it. */
export function withOperations(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/kinesis.md lacks "${BEGIN}" or "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderOperations()}\n\n${page.slice(end)}`;
}

if (import.meta.main) {
  const path = new URL("../../docs/kinesis.md", import.meta.url);
  await Bun.write(path, withOperations(await Bun.file(path).text()));
}
