/** PutResourcePolicy: kept and given back. It allows or denies nothing: voik has no identities to apply it to. */
import { invalidArgument } from "../errors.ts";
import { resourceArn } from "../members.ts";
import { operation } from "../operation.ts";
import { findResource } from "../resource.ts";
import { required, structure, text } from "../shapes.ts";

/** AWS's limit of a resource policy. */
const POLICY_LENGTH_MAX = 20 * 1024;

const input = structure({ ResourceARN: required(resourceArn), Policy: required(text()) });

export const putResourcePolicy = operation(input, (request, context) => {
  const resource = findResource(context, request.ResourceARN);
  if (request.Policy.length > POLICY_LENGTH_MAX || !isObject(request.Policy)) {
    throw invalidArgument(`The policy is not a JSON object of at most ${POLICY_LENGTH_MAX} characters.`);
  }
  resource.setPolicy(request.Policy);
  return undefined;
});

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
