/**
 * DeleteStream. The stream and its records are gone when the reply comes; DELETING is shown for the transition time. A
 * stream that is CREATING can be deleted, as with AWS.
 */
import { consumersOf } from "../consumers.ts";
import { resourceInUse } from "../errors.ts";
import { streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { boolean, structure } from "../shapes.ts";
import { findShownStream, notActive } from "../stream-view.ts";

const input = structure({ ...streamReference, EnforceConsumerDeletion: boolean() });

export const deleteStream = operation(input, async (request, context) => {
  const stream = findShownStream(context, request);
  const status = context.transitions.statusOf(stream);
  if (status === "DELETING") throw notActive(context, stream, status);
  const consumers = consumersOf(stream);
  if (consumers.length > 0 && !request.EnforceConsumerDeletion) {
    throw resourceInUse(
      `Stream ${stream.name} under account ${context.caller.accountId} has ${consumers.length} registered ` +
        "consumers: deregister them first, or set EnforceConsumerDeletion.",
    );
  }
  const deleted = context.broker.deleteStream(stream.name);
  // It is gone at once, unless the deletion failed; its files take longer.
  if (context.broker.streamById(stream.id) === undefined) context.transitions.startDeleting(stream);
  await deleted;
  return undefined;
});
