/**
 * From an HTTP request to its reply. The order of the checks is AWS's, seen from outside: method, content type and
 * target, size of the body, operation, signature, body, permission, then whatever the operation itself demands.
 */
import { AssertionError } from "../base/assert.ts";
import type { Access } from "../access/access.ts";
import { hostOf } from "../access/acl.ts";
import type { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import { SeldomWarnings } from "../base/seldom.ts";
import type { Authenticator } from "./authenticator.ts";
import { type BodyFormat, bodyFormat, jsonFormat } from "./body.ts";
import { type Caller, callerOf } from "./caller.ts";
import { KinesisError, toKinesisError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import { inflateBody, isCoded } from "./gzip.ts";
import type { Operation, Output, RequestContext, Services } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { checkPermission } from "./permissions.ts";
import {
  accessDeniedReply,
  errorReply,
  eventStreamReply,
  outputReply,
  ReplyHeaders,
  tooLargeReply,
  unknownFormatReply,
} from "./reply.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { PutReader } from "./put-reader.ts";
import { readBody, type RequestBody } from "./request-body.ts";
import { RequestScope } from "./request-scope.ts";

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

/** What there is to say to the connections of requests, and to ask them. */
export interface Connections {
  /** The body of `request` is in: from now on the time is the server's own. */
  onBody(request: Request): void;
  /** `request` has its reply: from now on the time is the client's. */
  onReply(request: Request): void;
  /** The reply goes on as long as events come. */
  onPush(request: Request): void;
  /** The client's address. */
  addressOf(request: Request): string;
}

/** The operation that a request names. */
interface Asked {
  name: string;
  operation: Operation;
}

/** By X-Amz-Target. */
const TARGETS: ReadonlyMap<string, Asked> = new Map(
  Object.entries(OPERATIONS).map(([name, operation]) => [`Kinesis_20131202.${name}`, { name, operation }]),
);

const everything = (): boolean => true;

export class Dispatcher {
  private readonly headers: ReplyHeaders;
  private readonly puts = new PutReader(navigator.hardwareConcurrency);
  private readonly warnings: SeldomWarnings;
  private draining = false;

  constructor(private readonly options: DispatchOptions) {
    this.headers = new ReplyHeaders(options.random);
    this.warnings = new SeldomWarnings(options.logger, options.services.clock);
  }

  /** From now on every new request is told to come back later; those in work go on. */
  drain(): void {
    this.draining = true;
  }

  /** No more requests come. */
  close(): void {
    this.puts.close();
  }

  /** Answers `request`. */
  async handle(request: Request, connections: Connections): Promise<Response> {
    const { clock, metrics } = this.options.services;
    const startMs = clock.monotonicMs();
    const target = request.headers.get("x-amz-target") ?? "";
    const asked = TARGETS.get(target);
    const response = await this.reply(request, target, asked, connections);
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    metrics.request(asked?.name ?? UNKNOWN, response.status, seconds);
    return response;
  }

  private async reply(
    request: Request,
    target: string,
    asked: Asked | undefined,
    connections: Connections,
  ): Promise<Response> {
    const { memory, maxBodyBytes } = this.options;
    const headers = this.headers.next();
    if (request.method !== "POST") return accessDeniedReply(headers);
    const format = bodyFormat(request.headers.get("content-type"));
    if (format === undefined)
      return target.includes(".") ? unknownFormatReply(headers) : accessDeniedReply(headers);
    try {
      const body = await readBody(request, maxBodyBytes, memory);
      if (body === undefined) return tooLargeReply(headers);
      connections.onBody(request);
      let output: Output;
      let scope: RequestScope | undefined;
      try {
        if (asked === undefined) throw new KinesisError("UnknownOperationException");
        if (this.draining) throw new KinesisError("ServiceUnavailable", "voik is stopping: try again.", 503);
        // What was signed is what was sent.
        const caller = this.callerOf(request, body.bytes);
        const coding = request.headers.get("content-encoding");
        if (isCoded(coding) && !(await inflateBody(coding, body, maxBodyBytes, memory)))
          return tooLargeReply(headers);
        const read =
          format === jsonFormat && asked.operation.put
            ? this.puts.read(asked.operation.put, body)
            : undefined;
        const put = read instanceof Promise ? await read : read;
        scope = this.scopeOf(request, body, caller, format, connections);
        output = await this.run(asked, put ?? format.decode(body.bytes), put !== undefined, scope);
      } finally {
        body.release();
        // What is made of the output counts by itself, from this very moment on.
        scope?.leaveRoom();
        connections.onReply(request);
      }
      if (output instanceof EventStream) {
        connections.onPush(request);
        return eventStreamReply(output, headers);
      }
      return await outputReply(format, output, headers, memory, request);
    } catch (error) {
      return errorReply(format, this.explain(error, request.signal), headers);
    }
  }

  private callerOf(request: Request, sent: Uint8Array): Caller {
    const { authenticator, accountId } = this.options;
    return authenticator?.check(request, sent) ?? callerOf(request.headers.get("authorization"), accountId);
  }

  private scopeOf(
    request: Request,
    body: RequestBody,
    caller: Caller,
    format: BodyFormat,
    connections: Connections,
  ): RequestScope {
    const { services, access, memory } = this.options;
    if (!access?.enforcing)
      return new RequestScope(services, caller, format, request, body, memory, everything);
    const host = hostOf(connections.addressOf(request));
    const may: RequestContext["may"] = (action, resourceType, resourceName) =>
      access.authorize(caller.principal, host, action, resourceType, resourceName);
    return new RequestScope(services, caller, format, request, body, memory, may);
  }

  private run({ name, operation }: Asked, decoded: unknown, checked: boolean, scope: RequestScope) {
    scope.throttle?.takeCall(name, decoded, scope.caller);
    if (scope.may === everything) return operation.run(decoded, scope, { checked });
    const permit = (input: object) => checkPermission(name, input, scope);
    return operation.run(decoded, scope, { checked, permit });
  }

  private explain(error: unknown, hungUp: AbortSignal): KinesisError {
    const expected = toKinesisError(error);
    if (expected !== undefined) {
      // The log has the whole message, of which clients are told less.
      const { message, code = expected.type } = error as Partial<VoikError>;
      if (expected.status === 500) this.warnings.warn(code, "kinesis requests fail", { error: message });
      return expected;
    }
    // Reading the body of a client that hung up fails as well: nobody's fault, and nobody hears the answer.
    if (hungUp.aborted && !(error instanceof AssertionError))
      return new KinesisError("ServiceUnavailable", "", 503);
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
