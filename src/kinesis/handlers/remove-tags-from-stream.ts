/** RemoveTagsFromStream: keys that the stream does not have are passed over. */
import { streamReference, tagKeys } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { TAG_PREFIX } from "../stream-settings.ts";
import { findSettled } from "../stream-view.ts";
import { checkTagKeys } from "../tags.ts";

const input = structure({ ...streamReference, TagKeys: required(tagKeys) });

export const removeTagsFromStream = operation(input, (request, context) => {
  const stream = findSettled(context, request);
  checkTagKeys(request.TagKeys, `stream ${stream.name} under account ${context.caller.accountId}`);
  const removed = request.TagKeys.map((key) => [TAG_PREFIX + key, undefined] as const);
  context.broker.setAttributes(stream, new Map(removed));
  return undefined;
});
