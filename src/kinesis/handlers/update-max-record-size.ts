/** UpdateMaxRecordSize: what PutRecord and PutRecords take from the reply on; records that are there stay. */
import { maxRecordKib, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { SETTING } from "../stream-settings.ts";
import { findActive } from "../stream-view.ts";

const input = structure({ StreamARN: streamArn, MaxRecordSizeInKiB: required(maxRecordKib) });

export const updateMaxRecordSize = operation(input, (request, context) => {
  const stream = findActive(context, request);
  const changes = new Map([[SETTING.maxRecordKib, String(request.MaxRecordSizeInKiB)]]);
  context.broker.setAttributes(stream, changes);
  context.transitions.start(stream.id, "UPDATING");
  return undefined;
});
