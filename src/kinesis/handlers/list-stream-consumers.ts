/** ListStreamConsumers: consumers by name, at most 100 a page; a next token says where the next page starts. */
import { consumersOf, consumerView } from "../consumers.ts";
import { notFound } from "../errors.ts";
import { nextToken, pageLimit, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { openPageToken, sealPageToken } from "../page-token.ts";
import { TokenPurpose } from "../sealed-token.ts";
import { required, structure, timestamp } from "../shapes.ts";
import { checkCreationTime, findSettled } from "../stream-view.ts";

const PAGE_MAX = 100;

const input = structure({
  StreamARN: required(streamArn),
  NextToken: nextToken,
  MaxResults: pageLimit,
  StreamCreationTimestamp: timestamp(),
});

interface Page {
  streamId: string;
  after: string;
}

export const listStreamConsumers = operation(input, (request, context) => {
  const { tokens } = context;
  const stream = findSettled(context, request);
  checkCreationTime(context, stream, request.StreamCreationTimestamp);
  const page: Page =
    request.NextToken === undefined
      ? { streamId: stream.id, after: "" }
      : openPageToken<Page>(tokens, TokenPurpose.listConsumers, request.NextToken);
  if (page.streamId !== stream.id) throw notFound("The stream of this NextToken is another or was deleted.");
  const consumers = consumersOf(stream).filter((consumer) => consumer.name > page.after);
  const shown = consumers.slice(0, Math.min(request.MaxResults ?? PAGE_MAX, PAGE_MAX));
  const last = shown.at(-1);
  const more = last !== undefined && shown.length < consumers.length;
  return {
    Consumers: shown.map((consumer) => consumerView(context, { stream, consumer })),
    NextToken: more
      ? sealPageToken(tokens, TokenPurpose.listConsumers, { ...page, after: last.name })
      : undefined,
  };
});
