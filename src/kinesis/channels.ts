/** AWS's channels (delivery to S3 and S3 Tables), which voik does not offer: every operation on them says so. */
import { Availability, type Operation, operation } from "./operation.ts";
import { structure } from "./shapes.ts";
import { validationError } from "./validation.ts";

/** An operation that answers ValidationException, whatever it is asked. */
export function unavailable(): Operation {
  const refuse = () => {
    throw validationError("voik does not offer channels yet: read the stream with a consumer of your own.");
  };
  return operation(structure({}), refuse, Availability.refused);
}
