/** ListStreams: names and summaries of what the caller may describe, ascending by name, at most 100 a page. */
import { nextToken, pageLimit, streamName } from "../members.ts";
import { operation } from "../operation.ts";
import { openPageToken, sealPageToken } from "../page-token.ts";
import { TokenPurpose } from "../sealed-token.ts";
import { structure } from "../shapes.ts";
import { streamSummaryView } from "../stream-view.ts";

const PAGE_MAX = 100;

const input = structure({ Limit: pageLimit, ExclusiveStartStreamName: streamName, NextToken: nextToken });

interface Page {
  after: string;
}

export const listStreams = operation(input, (request, context) => {
  const { tokens, broker, transitions } = context;
  const after =
    request.NextToken === undefined
      ? (request.ExclusiveStartStreamName ?? "")
      : openPageToken<Page>(tokens, TokenPurpose.listStreams, request.NextToken).after;
  const deleting = transitions.allDeleting().filter(({ name }) => broker.streamByName(name) === undefined);
  const shown = [...broker.listStreams(), ...deleting].sort((a, b) => (a.name < b.name ? -1 : 1));
  const streams = shown.filter(
    (stream) => stream.name > after && context.may("describe", "topic", stream.name),
  );
  const page = streams.slice(0, Math.min(request.Limit ?? PAGE_MAX, PAGE_MAX));
  const last = page.at(-1);
  const more = last !== undefined && page.length < streams.length;
  return {
    StreamNames: page.map((stream) => stream.name),
    HasMoreStreams: more,
    NextToken: more
      ? sealPageToken(tokens, TokenPurpose.listStreams, { after: last.name } satisfies Page)
      : undefined,
    StreamSummaries: page.map((stream) => streamSummaryView(context, stream)),
  };
});
