/**
 * Kafka's numbers for what ACL entries are made of, and filters of entries as the protocol sends them. 0 is what the
 * sender does not know, 1 in a filter is any.
 */
import {
  ACL_OPERATIONS,
  type AclEntry,
  type AclFilter,
  type AclOperation,
  PATTERN_TYPES,
  PERMISSIONS,
  type PatternType,
  type Permission,
  RESOURCE_TYPES,
  type ResourceType,
} from "../access/acl.ts";
import { VoikError } from "../base/errors.ts";
import { KafkaError } from "./errors.ts";

/** Users and ACL entries can be changed by clients only where ACLs say which of them may. */
export const SECURITY_DISABLED = {
  errorCode: KafkaError.securityDisabled,
  errorMessage: "start voik with --authorization=acl for this, or use voik user and voik acl beside it",
};

const ANY = 1;

const RESOURCE_TYPE: Record<ResourceType, number> = {
  topic: 2,
  group: 3,
  cluster: 4,
  "transactional-id": 5,
  "delegation-token": 6,
  user: 7,
};
const PATTERN_TYPE: Record<PatternType | "match", number> = { match: 2, literal: 3, prefixed: 4 };
const PERMISSION: Record<Permission, number> = { deny: 2, allow: 3 };
const OPERATION: Record<AclOperation, number> = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  "cluster-action": 9,
  "describe-configs": 10,
  "alter-configs": 11,
  "idempotent-write": 12,
  "create-tokens": 13,
  "describe-tokens": 14,
};

/** Kafka's number of an operation. */
export const operationNumberOf = (operation: AclOperation): number => OPERATION[operation];

function wordOf<Word extends string>(
  what: string,
  words: readonly Word[],
  numbers: Record<Word, number>,
  number: number,
): Word {
  const word = words.find((one) => numbers[one] === number);
  if (word === undefined) throw new VoikError("argument_invalid", `there is no ${what} ${number}`);
  return word;
}

const resourceTypeOf = (number: number) => wordOf("resource type", RESOURCE_TYPES, RESOURCE_TYPE, number);
const operationOf = (number: number) => wordOf("operation", ACL_OPERATIONS, OPERATION, number);
const permissionOf = (number: number) => wordOf("permission type", PERMISSIONS, PERMISSION, number);
const orAny = <Word>(number: number, wordOf: (number: number) => Word) =>
  number === ANY ? undefined : wordOf(number);

interface WireEntry {
  resourceType: number;
  resourceName: string;
  resourcePatternType: number;
  principal: string;
  host: string;
  operation: number;
  permissionType: number;
}

/** Throws VoikError argument_invalid for a number that stands for nothing. */
export function aclEntryOf(wire: WireEntry): AclEntry {
  return {
    resourceType: resourceTypeOf(wire.resourceType),
    resourceName: wire.resourceName,
    patternType: wordOf("pattern type", PATTERN_TYPES, PATTERN_TYPE, wire.resourcePatternType),
    principal: wire.principal,
    host: wire.host,
    operation: operationOf(wire.operation),
    permission: permissionOf(wire.permissionType),
  };
}

interface WireFilter {
  resourceTypeFilter: number;
  resourceNameFilter: string | null;
  patternTypeFilter: number;
  principalFilter: string | null;
  hostFilter: string | null;
  operation: number;
  permissionType: number;
}

/** Throws VoikError argument_invalid for a number that stands for nothing. */
export function aclFilterOf(wire: WireFilter): AclFilter {
  const patternOf = (number: number) =>
    wordOf("pattern type", [...PATTERN_TYPES, "match"], PATTERN_TYPE, number);
  return {
    resourceType: orAny(wire.resourceTypeFilter, resourceTypeOf),
    resourceName: wire.resourceNameFilter ?? undefined,
    patternType: orAny(wire.patternTypeFilter, patternOf),
    principal: wire.principalFilter ?? undefined,
    host: wire.hostFilter ?? undefined,
    operation: orAny(wire.operation, operationOf),
    permission: orAny(wire.permissionType, permissionOf),
  };
}

/** The resource of an entry, in numbers. */
export function wireResourceOf({ resourceType, resourceName, patternType }: AclEntry) {
  return {
    resourceType: RESOURCE_TYPE[resourceType],
    resourceName,
    patternType: PATTERN_TYPE[patternType],
  };
}

/** Who may do what, in numbers. */
export function wireAclOf({ principal, host, operation, permission }: AclEntry) {
  return { principal, host, operation: OPERATION[operation], permissionType: PERMISSION[permission] };
}
