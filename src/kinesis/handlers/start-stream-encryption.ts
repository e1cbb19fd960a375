/** StartStreamEncryption: a modelled error, because nothing is encrypted at rest (docs/decisions/0112). */
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

export const startStreamEncryption = operation(
  input,
  (request, context) => {
    findActive(context, request);
    throw invalidArgument(
      "voik does not encrypt records at rest, so it can't say that it does. Keep the data folder on an " +
        "encrypted disk.",
    );
  },
  Availability.refused,
);
