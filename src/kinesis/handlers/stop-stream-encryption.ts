/** StopStreamEncryption: a modelled error, because nothing is encrypted at rest (docs/decisions/0112). */
import { invalidArgument } from "../errors.ts";
import { encryptionType, keyId, streamReference } from "../members.ts";
import { Availability, operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { findActive } from "../stream-view.ts";

const input = structure({
  ...streamReference,
  EncryptionType: required(encryptionType),
  KeyId: required(keyId),
});

export const stopStreamEncryption = operation(
  input,
  (request, context) => {
    const stream = findActive(context, request);
    throw invalidArgument(
      `Stream ${stream.name} under account ${context.caller.accountId} is not encrypted.`,
    );
  },
  Availability.refused,
);
