/**
 * Three clients that make the same calls: AWS's SDK for JavaScript over its default transport (HTTP/2 without TLS),
 * CBOR written by the model, and boto3 in a Python process of its own (boto3-caller.py).
 */
import { join } from "node:path";
import * as sdk from "@aws-sdk/client-kinesis";
import { decodeCbor, encodeCbor } from "../../../src/kinesis/cbor.ts";
import { AWS_ENV } from "../../helpers/installed.ts";
import { eventProblems, type Input, outputProblems, toWire } from "./sdk-model.ts";

/** What a call came to; `problems`: where the answer is not as the client's own model says. */
export type Outcome =
  | { output: unknown; problems: string[] }
  | { error: string; message: string; status: number }
  /** The client's model is older than the operation or one of its members. */
  | { unknown: string };

export interface ModelClient {
  readonly name: string;
  call(operation: string, input: Input): Promise<Outcome>;
  close(): Promise<void>;
}

const SUBSCRIBE = "SubscribeToShard";

export function sdkClient(endpoint: string): ModelClient {
  const client = new sdk.KinesisClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  let wire: Uint8Array | undefined;
  // The client drops what its model does not have: look at the bytes before it does.
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const response = result.response as { body: AsyncIterable<Uint8Array> | Uint8Array };
      if (context.commandName !== `${SUBSCRIBE}Command`) {
        wire = Buffer.concat(await Array.fromAsync(response.body as AsyncIterable<Uint8Array>));
        response.body = wire;
      }
      return result;
    },
    { step: "deserialize", priority: "low" },
  );
  return {
    name: "@aws-sdk/client-kinesis",
    async call(operation, input) {
      const Command = (sdk as unknown as Record<string, new (input: Input) => never>)[`${operation}Command`];
      if (Command === undefined) return { unknown: operation };
      try {
        const output = await client.send(new Command(input));
        if (operation === SUBSCRIBE) return await firstSdkEvent(output as sdk.SubscribeToShardCommandOutput);
        const text = Buffer.from(wire ?? []).toString();
        const value = text === "" ? undefined : JSON.parse(text);
        return { output: value, problems: outputProblems(operation, value, "json") };
      } catch (error) {
        if (!(error instanceof sdk.KinesisServiceException)) throw error;
        return { error: error.name, message: error.message, status: error.$metadata.httpStatusCode ?? 0 };
      }
    },
    async close() {
      client.destroy();
    },
  };
}

async function firstSdkEvent({ EventStream }: sdk.SubscribeToShardCommandOutput): Promise<Outcome> {
  for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
    const { Records = [], ContinuationSequenceNumber, MillisBehindLatest } = event ?? {};
    const whole = Records.length > 0 && ContinuationSequenceNumber !== undefined;
    const problems = whole && MillisBehindLatest !== undefined ? [] : ["the event lacks a member"];
    return { output: event, problems };
  }
  return { output: undefined, problems: ["no event came"] };
}

export function cborClient(endpoint: string): ModelClient {
  return {
    name: "CBOR",
    async call(operation, input) {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-cbor-1.1",
          "x-amz-target": `Kinesis_20131202.${operation}`,
        },
        body: encodeCbor(toWire(operation, input, "cbor")),
      });
      if (response.status === 200 && operation === SUBSCRIBE) return firstFrame(response);
      const bytes = Buffer.from(await response.arrayBuffer());
      const value = bytes.length === 0 ? undefined : (decodeCbor(bytes) as Record<string, unknown>);
      if (response.status !== 200) {
        const { __type = "", message = "", Message = message } = value ?? {};
        return { error: String(__type), message: String(Message), status: response.status };
      }
      return { output: value, problems: outputProblems(operation, value, "cbor") };
    },
    async close() {},
  };
}

/** The first event behind the initial response; its payload is JSON in CBOR's case too. */
async function firstFrame(response: Response): Promise<Outcome> {
  let bytes = Buffer.alloc(0);
  let frames = 0;
  for await (const chunk of response.body ?? []) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 12 && bytes.length >= bytes.readUInt32BE(0)) {
      const [total, headers] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
      const payload = bytes.subarray(12 + headers, total - 4);
      bytes = bytes.subarray(total);
      if (frames++ === 0) continue;
      const event = JSON.parse(payload.toString());
      return { output: event, problems: eventProblems(event) };
    }
  }
  return { output: undefined, problems: ["no event came"] };
}

/** boto3 of `python`; what its model does not know is answered `unknown`. */
export async function boto3Client(endpoint: string, python: string): Promise<ModelClient> {
  const script = join(import.meta.dir, "boto3-caller.py");
  const child = Bun.spawn([python, script, endpoint], {
    env: AWS_ENV,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(child.stdout);
  const ask = async () => JSON.parse((await lines.next()).value as string);
  const { version } = await ask();
  return {
    name: `boto3 ${version}`,
    async call(operation, input) {
      child.stdin.write(`${JSON.stringify({ operation, input: tagged(input) })}\n`);
      await child.stdin.flush();
      return (await ask()) as Outcome;
    },
    async close() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Blobs and times in a form that JSON can carry to the script. */
function tagged(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { $blob: value.toString("base64") };
  if (value instanceof Date) return { $time: value.getTime() };
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, tagged(member)]));
}
