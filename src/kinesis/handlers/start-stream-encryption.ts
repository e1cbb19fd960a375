/** StartStreamEncryption: a modelled error, because nothing is encrypted at rest (docs/decisions/0112). */
import { invalidArgument, KinesisError } from "../errors.ts";
import { encryptionType, keyId, streamReference } from "../members.ts";
import { Availability, operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { findActive } from "../stream-view.ts";

const input = structure({
  ...streamReference,
  EncryptionType: required(encryptionType),
  KeyId: required(keyId),
});

/** The one key that everybody has at AWS, by its alias or the alias' ARN. */
const AWS_OWNED = /^(arn:aws.*:kms:.*:)?alias\/aws\/kinesis$/;

export const startStreamEncryption = operation(
  input,
  (request, context) => {
    findActive(context, request);
    const why =
      "voik does not encrypt records at rest, so it can't say that it does. Keep the data folder on an encrypted disk.";
    if (AWS_OWNED.test(request.KeyId)) throw invalidArgument(why);
    throw new KinesisError(
      "KMSNotFoundException",
      `Key ${request.KeyId} is not found: voik holds no keys. ${why}`,
    );
  },
  Availability.refused,
);
