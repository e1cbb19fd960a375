/**
 * A process whose thread of puts ends with a body in its hands; put-reader.test.ts looks at how it ends. It would stay for
 * ten seconds and end well.
 */
import { endOnBugs } from "../../src/cli/exit.ts";
import { PutReader } from "../../src/kinesis/put-reader.ts";
import { RequestBody } from "../../src/kinesis/request-body.ts";

endOnBugs();
const put = { StreamName: "s", Data: "A".repeat(1 << 20), PartitionKey: "k" };
const bodyOf = () => new RequestBody(Buffer.from(JSON.stringify(put)), () => {});

const reader = new PutReader(2);
while (!(reader.read("PutRecord", bodyOf()) instanceof Promise)) await new Promise(setImmediate);
reader["thread"]?.terminate();
await Bun.sleep(10_000); // a lost thread is noticed long before
