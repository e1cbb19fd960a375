/** ListTagsForStream: tags by key, a page at a time. */
import { streamReference, tagKeyText } from "../members.ts";
import { operation } from "../operation.ts";
import { integer, structure } from "../shapes.ts";
import { findStream } from "../stream-view.ts";
import { TAGS_MAX, tagsIn, tagViews } from "../tags.ts";

const input = structure({
  ...streamReference,
  ExclusiveStartTagKey: tagKeyText,
  Limit: integer({ min: 1, max: TAGS_MAX }),
});

export const listTagsForStream = operation(input, (request, context) => {
  const stream = findStream(context, request);
  const after = request.ExclusiveStartTagKey ?? "";
  const tags = [...tagsIn(stream.attributes)].filter(([key]) => key > after);
  const page = tags.slice(0, request.Limit ?? TAGS_MAX);
  return { Tags: tagViews(new Map(page)), HasMoreTags: page.length < tags.length };
});
