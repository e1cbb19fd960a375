/** DeleteStream. The stream and its records are gone when the reply comes; there is no DELETING to wait through. */
import { streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { boolean, structure } from "../shapes.ts";
import { findStream } from "../stream-view.ts";

const input = structure({ ...streamReference, EnforceConsumerDeletion: boolean() });

export const deleteStream = operation(input, async (request, context) => {
  await context.broker.deleteStream(findStream(context, request).name);
  return undefined;
});
