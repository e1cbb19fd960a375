/** ListTagsForResource: all tags of a stream or a consumer. */
import { resourceArn } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure } from "../shapes.ts";
import { tagViews } from "../tags.ts";

export const listTagsForResource = operation(
  structure({ ResourceARN: required(resourceArn) }),
  (request, context) => ({ Tags: tagViews(findResource(context, request.ResourceARN).tags) }),
);
