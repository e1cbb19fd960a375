/**
 * From an HTTP request to its reply. The order of the checks is AWS's, seen from outside: method, content type and
 * target, size of the body, operation, signature, body, permission, then whatever the operation itself demands.
 */
import { asBuffer } from "../base/bytes.ts";
import { AssertionError } from "../base/assert.ts";
import type { Access } from "../access/access.ts";
import { hostOf } from "../access/acl.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { Authenticator } from "./authenticator.ts";
import { type BodyFormat, bodyFormat, jsonFormat } from "./body.ts";
import { type Caller, callerOf } from "./caller.ts";
import { KinesisError, toKinesisError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import { acceptsGzip, withPlainBody } from "./gzip.ts";
import type { Operation, RequestContext, Services } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { checkPermission } from "./permissions.ts";
import {
  accessDeniedReply,
  errorReply,
  eventStreamReply,
  outputReply,
  replyHeaders,
  tooLargeReply,
  unknownFormatReply,
} from "./reply.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { withBody } from "./request-body.ts";

const TARGET_PREFIX = "Kinesis_20131202.";
const UNKNOWN = "unknown";

export interface DispatchOptions {
  services: Services;
  random: Random;
  logger: Logger;
  memory: MemoryBudget;
  maxBodyBytes: number;
  /** Account of callers whose access key id is no account. */
  accountId: string;
  /** Checks signatures; undefined when nobody has to sign. */
  authenticator: Authenticator | undefined;
  /** What callers may do; undefined for everything. */
  access: Pick<Access, "enforcing" | "authorize"> | undefined;
}

/** What the connection tells of a request. */
export interface Connection {
  /** Its body is in: from now on the time is the server's own. */
  onBody(): void;
  /** The client's address. */
  address(): string;
}

const everything = (): boolean => true;

export class Dispatcher {
  private draining = false;

  constructor(private readonly options: DispatchOptions) {}

  /** From now on every new request is told to come back later; those in work go on. */
  drain(): void {
    this.draining = true;
  }

  /** Answers `request`. */
  async handle(request: Request, connection: Connection): Promise<Response> {
    const { clock, metrics } = this.options.services;
    const startMs = clock.monotonicMs();
    const target = request.headers.get("x-amz-target") ?? "";
    const operationName = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : "";
    const known = Object.hasOwn(OPERATIONS, operationName);
    const operation = known ? OPERATIONS[operationName] : undefined;
    const response = await this.reply(request, target, { name: operationName, operation }, connection);
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    metrics.request(known ? operationName : UNKNOWN, response.status, seconds);
    return response;
  }

  private async reply(
    request: Request,
    target: string,
    asked: { name: string; operation: Operation | undefined },
    connection: Connection,
  ): Promise<Response> {
    const { random, memory, maxBodyBytes } = this.options;
    const headers = replyHeaders(random);
    if (request.method !== "POST") return accessDeniedReply(headers);
    const format = bodyFormat(request.headers.get("content-type"));
    if (format === undefined)
      return target.includes(".") ? unknownFormatReply(headers) : accessDeniedReply(headers);
    try {
      const done = await withBody(request, maxBodyBytes, memory, (sent) => {
        connection.onBody();
        const { name, operation } = asked;
        if (operation === undefined) throw new KinesisError("UnknownOperationException");
        if (this.draining) throw new KinesisError("ServiceUnavailable", "voik is stopping: try again.", 503);
        // What was signed is what was sent.
        const caller = this.callerOf(request, sent);
        const coding = request.headers.get("content-encoding");
        return withPlainBody(coding, sent, maxBodyBytes, memory, async (body) => ({
          output: await this.run({ name, operation }, body, format, caller, request, connection),
        }));
      });
      if (done === undefined) return tooLargeReply(headers);
      if (done.output instanceof EventStream) return eventStreamReply(done.output, headers);
      const gzip = acceptsGzip(request.headers.get("accept-encoding"));
      return await outputReply(format, done.output, headers, memory, request.signal, gzip);
    } catch (error) {
      return errorReply(format, this.explain(error, request.signal.aborted), headers);
    }
  }

  private callerOf(request: Request, sent: Uint8Array): Caller {
    const { authenticator, accountId } = this.options;
    return authenticator?.check(request, sent) ?? callerOf(request.headers.get("authorization"), accountId);
  }

  private run(
    { name, operation }: { name: string; operation: Operation },
    body: Uint8Array,
    format: BodyFormat,
    caller: Caller,
    request: Request,
    connection: Connection,
  ) {
    const { services, access } = this.options;
    const common = { ...services, caller, format, hungUp: request.signal };
    const scanned = format === jsonFormat ? operation.scan?.(asBuffer(body)) : undefined;
    const decoded = scanned ?? format.decode(body);
    const checked = scanned !== undefined;
    services.throttle?.takeCall(name, decoded, caller);
    if (!access?.enforcing) return operation.run(decoded, { ...common, may: everything }, { checked });
    const host = hostOf(connection.address());
    const may: RequestContext["may"] = (action, resourceType, resourceName) =>
      access.authorize(caller.principal, host, action, resourceType, resourceName);
    const context = { ...common, may };
    const permit = (input: object) => checkPermission(name, input, context);
    return operation.run(decoded, context, { checked, permit });
  }

  private explain(error: unknown, hungUp: boolean): KinesisError {
    const expected = toKinesisError(error);
    if (expected !== undefined) {
      if (expected.status === 500)
        this.options.logger.warn("kinesis request failed", { error: expected.message });
      return expected;
    }
    // Reading the body of a client that hung up fails as well: nobody's fault, and nobody hears the answer.
    if (hungUp && !(error instanceof AssertionError)) return new KinesisError("ServiceUnavailable", "", 503);
    // A broken invariant ends the process: thrown where nobody catches, once this request has its answer.
    if (error instanceof AssertionError) {
      queueMicrotask(() => {
        throw error;
      });
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.options.logger.error("kinesis request broke", { error: text });
    return new KinesisError(
      "InternalFailure",
      "The request could not be processed: the server's log says why.",
      500,
    );
  }
}
