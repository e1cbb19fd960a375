/**
 * What an ACL entry is, in Kafka's words (https://kafka.apache.org/documentation/#security_authz): who (principal,
 * host) may or may not (permission) do what (operation) to which resources (type, name, pattern). Pure values; which
 * entries there are and what follows from them is acl-book.ts.
 *
 *   allow  User:ann  from *  read  topic  "orders."  prefixed
 */

export const RESOURCE_TYPES = [
  "topic",
  "group",
  "cluster",
  "transactional-id",
  "delegation-token",
  "user",
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export const ACL_OPERATIONS = [
  "all",
  "read",
  "write",
  "create",
  "delete",
  "alter",
  "describe",
  "cluster-action",
  "describe-configs",
  "alter-configs",
  "idempotent-write",
  "create-tokens",
  "describe-tokens",
] as const;
export type AclOperation = (typeof ACL_OPERATIONS)[number];

export const PATTERN_TYPES = ["literal", "prefixed"] as const;
export type PatternType = (typeof PATTERN_TYPES)[number];

export const PERMISSIONS = ["allow", "deny"] as const;
export type Permission = (typeof PERMISSIONS)[number];

export interface AclEntry {
  readonly resourceType: ResourceType;
  /** A name, the beginning of names (prefixed), or "*" for all (literal). */
  readonly resourceName: string;
  readonly patternType: PatternType;
  /** "User:ann", or "User:*" for everybody. */
  readonly principal: string;
  /** An address, or "*" for all. */
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: Permission;
}

/**
 * Which entries are meant; what is undefined is not looked at. Pattern type "match" means every entry that bears
 * on the resource of that name: its own, the prefixed and the wildcard ones.
 */
export interface AclFilter {
  resourceType?: ResourceType | undefined;
  resourceName?: string | undefined;
  patternType?: PatternType | "match" | undefined;
  principal?: string | undefined;
  host?: string | undefined;
  operation?: AclOperation | undefined;
  permission?: Permission | undefined;
}

export const WILDCARD = "*";
/** The one name that resources of type cluster have. */
export const CLUSTER_NAME = "kafka-cluster";
/** Who has not said who it is. */
export const ANONYMOUS = "User:ANONYMOUS";
/** In an entry: everybody. */
export const EVERYBODY = "User:*";

/** "User:ann". */
export function principalOf(userName: string): string {
  return `User:${userName}`;
}

/** "ann". */
export function userNameOf(principal: string): string {
  return principal.slice("User:".length);
}

/** An address as ACL entries write it: an IPv4 client of an IPv6 socket is an IPv4 client. */
export function hostOf(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}

/** Whether `entry` bears on the resource `name` of its type. */
export function covers({ patternType, resourceName }: AclEntry, name: string): boolean {
  if (patternType === "prefixed") return name.startsWith(resourceName);
  return resourceName === name || resourceName === WILDCARD;
}

/** Whether `filter` means `entry`. */
export function matches(entry: AclEntry, filter: AclFilter): boolean {
  const { resourceName: name, patternType: pattern } = filter;
  const named =
    name === undefined || (pattern === "match" ? covers(entry, name) : entry.resourceName === name);
  return (
    named &&
    (pattern === undefined || pattern === "match" || pattern === entry.patternType) &&
    (filter.resourceType ?? entry.resourceType) === entry.resourceType &&
    (filter.principal ?? entry.principal) === entry.principal &&
    (filter.host ?? entry.host) === entry.host &&
    (filter.operation ?? entry.operation) === entry.operation &&
    (filter.permission ?? entry.permission) === entry.permission
  );
}

/** Two entries are one when their keys are. */
export function keyOf(entry: AclEntry): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = entry;
  return [resourceType, patternType, operation, permission, host, principal, resourceName].join("\0");
}

/** What can be done to resources of a type; "all" stands for the others. */
export const OPERATIONS_OF: Record<ResourceType, readonly AclOperation[]> = {
  topic: [
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "describe-configs",
    "alter-configs",
  ],
  group: ["all", "read", "describe", "delete", "describe-configs", "alter-configs"],
  cluster: [
    "all",
    "create",
    "alter",
    "describe",
    "cluster-action",
    "describe-configs",
    "alter-configs",
    "idempotent-write",
  ],
  "transactional-id": ["all", "describe", "write"],
  "delegation-token": ["all", "describe"],
  user: ["all", "create-tokens", "describe-tokens"],
};

const TEXT_LENGTH_MAX = 512;

/** Why `entry` can't be one, a phrase behind "the ACL entry"; undefined when it can. */
export function whyNoEntry(entry: AclEntry): string | undefined {
  const { resourceType, resourceName, patternType, principal, host, operation } = entry;
  const long = [resourceName, principal, host].some((text) => text.length > TEXT_LENGTH_MAX);
  const control = [resourceName, principal, host].some((text) => /\p{Cc}/u.test(text));
  if (resourceName === "") return "names no resource: give a name, or * for all";
  if (!/^User:./su.test(principal)) return `has a principal that is not User:<name>: "${principal}"`;
  if (host === "") return "names no host: give an address, or * for all";
  if (long || control) return `has a text that is too long (over ${TEXT_LENGTH_MAX}) or not plain`;
  if (resourceType === "cluster" && (resourceName !== CLUSTER_NAME || patternType !== "literal"))
    return `is for the cluster, whose only name is ${CLUSTER_NAME}`;
  if (patternType === "prefixed" && resourceName === WILDCARD)
    return "is prefixed with *, which means no name";
  const allowed = OPERATIONS_OF[resourceType];
  if (!allowed.includes(operation))
    return `has the operation ${operation}, which resources of type ${resourceType} don't have: ${allowed.join(", ")}`;
  return undefined;
}
