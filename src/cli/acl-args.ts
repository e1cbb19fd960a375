/** ACL entries on the command line: the options that name one, and a line that shows one. */
import type { ArgsDef } from "citty";
import {
  ACL_OPERATIONS,
  type AclEntry,
  type AclFilter,
  type AclOperation,
  CLUSTER_NAME,
  principalOf,
} from "../access/acl.ts";
import { dataDirArg } from "./access-client.ts";
import { CliError, EXIT } from "./exit.ts";

export const aclArgs = {
  principal: { type: "string", valueHint: "name", description: "User, or * for everybody" },
  operation: {
    type: "string",
    valueHint: "names",
    description: `With commas between: ${ACL_OPERATIONS.join(", ")}`,
  },
  topic: { type: "string", valueHint: "name", description: "Stream (topic), or * for all" },
  group: { type: "string", valueHint: "name", description: "Consumer group, or * for all" },
  "transactional-id": { type: "string", valueHint: "id", description: "Transactional id, or * for all" },
  cluster: { type: "boolean", description: "The broker itself" },
  prefixed: { type: "boolean", description: "The name is the beginning of names" },
  host: { type: "string", valueHint: "address", description: "Where from, or * for anywhere" },
  deny: { type: "boolean", description: "Deny instead of allow; a denial always wins" },
  ...dataDirArg,
} as const satisfies ArgsDef;

/** What these options say; undefined where they say nothing. Throws CliError. */
export function readAclArgs(args: Record<string, unknown>) {
  const text = (name: string) => args[name] as string | undefined;
  const resources: [AclEntry["resourceType"], string | undefined][] = [
    ["topic", text("topic")],
    ["group", text("group")],
    ["transactional-id", text("transactional-id")],
    ["cluster", args["cluster"] === true ? CLUSTER_NAME : undefined],
  ];
  const given = resources.filter(([, name]) => name !== undefined);
  if (given.length > 1)
    throw new CliError(EXIT.usage, "--topic, --group, --transactional-id and --cluster are one or the other");
  const [resourceType, resourceName] = given[0] ?? [];
  const principal = text("principal");
  return {
    resourceType,
    resourceName,
    prefixed: args["prefixed"] === true,
    principal: principal === undefined || principal.startsWith("User:") ? principal : principalOf(principal),
    host: text("host"),
    operations: text("operation")?.split(",").map(operationOf),
    deny: args["deny"] === true,
  };
}

/** The filters that these options stand for: one for each operation. */
export function readAclFilters(
  args: Record<string, unknown>,
  patternType: AclFilter["patternType"],
): AclFilter[] {
  const { operations, deny, prefixed, resourceType, resourceName, principal, host } = readAclArgs(args);
  const filter: AclFilter = {
    resourceType,
    resourceName,
    patternType: prefixed ? "prefixed" : resourceName === undefined ? undefined : patternType,
    principal,
    host,
    permission: deny ? "deny" : undefined,
  };
  return operations?.map((operation) => ({ ...filter, operation })) ?? [filter];
}

/** "allow  User:ann  read  topic  orders (prefixed)  from *", with tabs. */
export function lineOf(entry: AclEntry): string {
  const { permission, principal, operation, resourceType, resourceName, patternType, host } = entry;
  const name = patternType === "prefixed" ? `${resourceName} (prefixed)` : resourceName;
  return [permission, principal, operation, resourceType, name, `from ${host}`].join("\t");
}

function operationOf(name: string): AclOperation {
  const found = ACL_OPERATIONS.find((operation) => operation === name);
  if (found) return found;
  throw new CliError(EXIT.usage, `--operation takes ${ACL_OPERATIONS.join(", ")}, not "${name}"`);
}
