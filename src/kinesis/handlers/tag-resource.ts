/** TagResource: adds and overwrites tags of a stream or a consumer. */
import { resourceArn, tagMap } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure } from "../shapes.ts";
import { withTags } from "../tags.ts";

const input = structure({ Tags: required(tagMap), ResourceARN: required(resourceArn) });

export const tagResource = operation(input, (request, context) => {
  const resource = findResource(context, request.ResourceARN);
  resource.setTags(withTags(resource.tags, request.Tags, resource.what));
  return undefined;
});
