/** AddTagsToStream: adds and overwrites tags of a stream. */
import { streamReference, tagMap } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { findSettled } from "../stream-view.ts";
import { tagAttributes, tagsIn, withTags } from "../tags.ts";

const input = structure({ ...streamReference, Tags: required(tagMap) });

export const addTagsToStream = operation(input, (request, context) => {
  const stream = findSettled(context, request);
  const what = `stream ${stream.name} under account ${context.caller.accountId}`;
  withTags(tagsIn(stream.attributes), request.Tags, what);
  context.broker.setAttributes(stream, tagAttributes(request.Tags));
  return undefined;
});
