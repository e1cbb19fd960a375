/**
 * kcat, librdkafka's command line, for records of any bytes. It writes messages cut at a delimiter that no payload
 * holds, and prints each message behind a line of its lengths.
 */
import { run } from "./installed.ts";
import type { TestRecord } from "./payloads.ts";

const RECORD_END = "\x01<end of record>\x02";
const KEY_END = "\x01<end of key>\x02";

export interface KcatRecord extends TestRecord {
  partition: number;
  offset: number;
}

/** `kcat -P`: writes the records, acks=all. Throws when one of them isn't acked. */
export async function kcatProduce(
  broker: string,
  topic: string,
  records: readonly TestRecord[],
  options: readonly string[] = [],
): Promise<void> {
  const input = Buffer.concat(
    records.flatMap(({ key, data }) => [Buffer.from(key + KEY_END), data, Buffer.from(RECORD_END)]),
  );
  const delimiters = ["-D", RECORD_END, "-K", KEY_END];
  await run(["kcat", "-P", "-b", broker, "-t", topic, "-X", "acks=all", "-q", ...delimiters, ...options], {
    input,
  });
}

/** `kcat -C`: every message of the topic from the beginning to the end of each partition. */
export async function kcatConsume(
  broker: string,
  topic: string,
  options: readonly string[] = [],
): Promise<KcatRecord[]> {
  const format = "%p %o %K %S\n%k%s";
  const command = ["kcat", "-C", "-b", broker, "-t", topic, "-o", "beginning", "-e", "-q", "-f", format];
  const out = await run([...command, ...options]);
  const records: KcatRecord[] = [];
  for (let at = 0; at < out.length;) {
    const lineEnd = out.indexOf(10, at);
    const [partition = -1, offset = -1, keyBytes = 0, dataBytes = 0] = out
      .toString("latin1", at, lineEnd)
      .split(" ")
      .map(Number);
    const keyAt = lineEnd + 1;
    const dataAt = keyAt + Math.max(0, keyBytes);
    at = dataAt + Math.max(0, dataBytes);
    records.push({
      partition,
      offset,
      key: out.toString("utf8", keyAt, dataAt),
      data: out.subarray(dataAt, at),
    });
  }
  return records;
}
