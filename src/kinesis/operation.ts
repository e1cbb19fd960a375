/**
 * What an operation is: an input shape and a handler, put together by `operation` so that the handler's input is
 * typed by its shape and checked before it runs. One file in handlers/ each, one line each in operations.ts.
 */
import type { AclOperation, ResourceType } from "../access/acl.ts";
import type { Clock } from "../base/clock.ts";
import type { Broker } from "../streams/broker.ts";
import type { BodyFormat } from "./body.ts";
import type { Caller } from "./caller.ts";
import type { KinesisMetrics } from "./kinesis-metrics.ts";
import type { PutBody, PutOperation } from "./put-body.ts";
import type { OpenBatches } from "./open-batches.ts";
import type { ReadTurns } from "./read-turns.ts";
import type { ReplyRoom } from "./record-list.ts";
import type { SealedTokens } from "./sealed-token.ts";
import type { InputOf, StructureShape } from "./shapes.ts";
import type { Transitions } from "./stream-status.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Throttle } from "./throttle.ts";
import { readInput } from "./validation.ts";

/** What every request works with. */
export interface Services {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly tokens: SealedTokens;
  readonly metrics: KinesisMetrics;
  readonly openBatches: OpenBatches;
  readonly readTurns: ReadTurns;
  /** How long records of a new stream are kept. */
  readonly retentionMs: number;
  readonly transitions: Transitions;
  readonly subscriptions: Subscriptions;
  /** Undefined unless AWS's limits of rates are asked for. */
  readonly throttle: Throttle | undefined;
}

/** What a handler works with. */
export interface RequestContext extends Services, ReplyRoom {
  /** Who asks: account and region, as they stand in ARNs and messages. */
  readonly caller: Caller;
  /** Whether the caller may do `operation` to a resource; always, while ACLs are not enforced. */
  may(operation: AclOperation, resourceType: ResourceType, name: string): boolean;
  /** How this request's body carries blobs and timestamps. */
  readonly format: BodyFormat;
  /** Says that the request's body, and what looks into it, is not needed any more: its memory need not wait for the reply. */
  dropBody(): void;
  /** Fires when the client has hung up. */
  readonly hungUp: AbortSignal;
}

/** The members of the reply, in AWS's spelling; its text, encoded already; an EventStream; undefined for an empty reply. */
export type Output = object | string | undefined;

/** Whether voik does what the operation is for, or answers with a modelled error that says why not. */
export const Availability = { offered: "offered", refused: "refused" } as const;
export type Availability = (typeof Availability)[keyof typeof Availability];

export interface Operation {
  readonly input: StructureShape;
  readonly availability: Availability;
  /** The name under which its JSON bodies are read quickly (put-body.ts), into a table of records; most have none. */
  readonly put: PutOperation | undefined;
  /** Checks `body`, a decoded request body, and runs the handler. Throws KinesisError and VoikError. */
  run(body: unknown, context: RequestContext, options?: RunOptions): Output | Promise<Output>;
}

export interface RunOptions {
  /** `body` is a PutBody: it is checked already. */
  checked?: boolean;
  /** Looks at the checked input before the handler does. Throws AccessDeniedException. */
  permit?: (input: object) => void;
}

export function operation<S extends StructureShape>(
  input: S,
  handle: (input: InputOf<S>, context: RequestContext) => Output | Promise<Output>,
  availability: Availability = Availability.offered,
): Operation {
  return {
    input,
    availability,
    put: undefined,
    run(body, context, { permit } = {}) {
      const read = readInput(input, body, context.format);
      permit?.(read as object);
      return handle(read, context);
    },
  };
}

/** An operation that puts records: `handle` takes them in a table as well. */
export function putOperation<S extends StructureShape>(
  put: PutOperation,
  input: S,
  handle: (input: InputOf<S> | PutBody, context: RequestContext) => Promise<Output>,
): Operation {
  return {
    input,
    availability: Availability.offered,
    put,
    run(body, context, { checked = false, permit } = {}) {
      const read = checked ? (body as PutBody) : readInput(input, body, context.format);
      permit?.(read as object);
      return handle(read, context);
    },
  };
}
