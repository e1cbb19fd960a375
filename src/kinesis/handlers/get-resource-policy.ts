/** GetResourcePolicy: "{}" where none was put, as AWS answers. */
import { resourceArn } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure } from "../shapes.ts";

export const getResourcePolicy = operation(
  structure({ ResourceARN: required(resourceArn) }),
  (request, context) => ({ Policy: findResource(context, request.ResourceARN).policy ?? "{}" }),
);
