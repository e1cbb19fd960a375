/**
 * What stands between a request and its handler where ACLs are enforced. A guard either answers in the handler's
 * place, or takes out of the request what the client may not do and has the reply say so beside the rest; the
 * handler never hears of it. What is denied is decided by name before anything is looked up, so an answer does not
 * tell whether there is such a thing.
 */
import type { Call } from "../call.ts";
import type { Decoded, Encodable, Fields } from "../codec/fields.ts";
import type { ApiMessages } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { Permissions } from "../security/permissions.ts";

/** What a guard has to go by. */
export interface Guarded<Reply> {
  readonly may: Permissions;
  readonly call: Call;
  /** Has the handler's reply changed on its way out. */
  amend(change: (reply: Reply) => Reply): void;
}

/** Answers in the handler's place, or lets the request, changed or not, through. */
type Rule<Request, Reply> = (request: Request, guarded: Guarded<Reply>) => Reply | undefined;

export interface Guard {
  readonly key: number;
  readonly check: (request: never, may: Permissions, call: Call) => unknown;
}

/** The guard of an API. */
export function guard<RequestFields extends Fields, ReplyFields extends Fields>(
  messages: ApiMessages<RequestFields, ReplyFields>,
  rule: Rule<Decoded<RequestFields>, Encodable<ReplyFields>>,
): Guard {
  const check = (request: Decoded<RequestFields>, may: Permissions, call: Call) =>
    rule(request, {
      may,
      call,
      amend(change) {
        call.amend = change as (reply: unknown) => unknown;
      },
    });
  return { key: messages.key, check };
}

/** The guard of an API that everybody may call. */
export function open({ key }: { key: number }): Guard {
  return { key, check: () => undefined };
}

/** Takes out of `list` what is not allowed, and returns that. */
export function takeDenied<T>(list: T[], allowed: (one: T) => boolean): T[] {
  const denied: T[] = [];
  let kept = 0;
  for (const one of list) {
    if (allowed(one)) list[kept++] = one;
    else denied.push(one);
  }
  list.length = kept;
  return denied;
}

/** As takeDenied, with all wishes for one thing together: Kafka answers them once. */
export function takeDeniedBy<T>(
  list: T[],
  keyOf: (one: T) => string,
  allowed: (one: T) => boolean,
): [T, ...T[]][] {
  return [...Map.groupBy(takeDenied(list, allowed), keyOf).values()] as [T, ...T[]][];
}

export const DENIED = "not authorized";
export const topicDenied = {
  errorCode: KafkaError.topicAuthorizationFailed,
  errorMessage: `${DENIED} for this topic`,
};
/** How a change is refused that one request names so often: more than once is invalid, whoever asks for it. */
export const changeDenied = ({ length: times }: readonly unknown[]) =>
  times === 1
    ? topicDenied
    : {
        errorCode: KafkaError.invalidRequest,
        errorMessage: "the topic is named more than once in one request",
      };
export const groupDenied = {
  errorCode: KafkaError.groupAuthorizationFailed,
  errorMessage: `${DENIED} for this group`,
};
export const clusterDenied = {
  errorCode: KafkaError.clusterAuthorizationFailed,
  errorMessage: `${DENIED} for the cluster`,
};
