/** DeleteResourcePolicy: none is no error. */
import { resourceArn } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure } from "../shapes.ts";

export const deleteResourcePolicy = operation(
  structure({ ResourceARN: required(resourceArn) }),
  (request, context) => {
    findResource(context, request.ResourceARN).setPolicy(undefined);
    return undefined;
  },
);
