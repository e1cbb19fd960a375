/** UntagResource: keys that the stream or consumer does not have are passed over. */
import { resourceArn, tagKeys } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure } from "../shapes.ts";
import { checkTagKeys } from "../tags.ts";

const input = structure({ TagKeys: required(tagKeys), ResourceARN: required(resourceArn) });

export const untagResource = operation(input, (request, context) => {
  const resource = findResource(context, request.ResourceARN);
  checkTagKeys(request.TagKeys, resource.what);
  const removed = new Set(request.TagKeys);
  resource.setTags(new Map([...resource.tags].filter(([key]) => !removed.has(key))));
  return undefined;
});
