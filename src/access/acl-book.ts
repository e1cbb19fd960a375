/**
 * All ACL entries in memory, and Kafka's rules for what follows from them (KIP-11, KIP-290; StandardAuthorizer):
 *
 *   super user                           yes
 *   no entry bears on the resource       no, or yes with --allow-everyone-if-no-acl
 *   an entry denies it (or all)          no, whatever else allows it
 *   an entry allows it (or all, or       yes
 *     something that implies it)
 *   anything else                        no
 *
 * READ, WRITE, DELETE and ALTER imply DESCRIBE, ALTER_CONFIGS implies DESCRIBE_CONFIGS; only in what allows.
 * A look-up goes by name: the whole of it for literal entries, and its first n letters for prefixed ones, for each
 * length that some prefix has. So it takes as many steps as there are lengths, however many entries there are.
 */
import type { DatabaseFile } from "../base/database.ts";
import { VoikError } from "../base/errors.ts";
import type { Access, Acls } from "./access.ts";
import { deleteAcl, insertAcl, readAcls } from "./access-database.ts";
import {
  type AclEntry,
  type AclFilter,
  type AclOperation,
  EVERYBODY,
  keyOf,
  matches,
  RESOURCE_TYPES,
  type ResourceType,
  WILDCARD,
  whyNoEntry,
} from "./acl.ts";

export interface AuthorizationRules {
  /** Whether entries are enforced at all. */
  enforcing: boolean;
  /** Principals that may do everything. */
  superUsers: ReadonlySet<string>;
  allowEveryoneIfNoAcl: boolean;
}

/** All of them lie in memory. */
const ENTRIES_MAX = 10_000;

const IMPLIED_BY: Partial<Record<AclOperation, readonly AclOperation[]>> = {
  describe: ["read", "write", "delete", "alter"],
  "describe-configs": ["alter-configs"],
};

/** The entries of one resource type. */
class Section {
  private readonly literal = new Map<string, AclEntry[]>();
  private readonly prefixed = new Map<string, AclEntry[]>();
  private readonly prefixLengths = new Set<number>();

  add(entry: AclEntry): void {
    const { patternType, resourceName } = entry;
    if (patternType === "prefixed") this.prefixLengths.add(resourceName.length);
    const byName = patternType === "prefixed" ? this.prefixed : this.literal;
    const known = byName.get(resourceName);
    if (known === undefined) byName.set(resourceName, [entry]);
    else known.push(entry);
  }

  /** The entries that bear on the resource `name`. */
  bearingOn(name: string): AclEntry[] {
    const found = [...(this.literal.get(name) ?? NONE)];
    if (name !== WILDCARD) found.push(...(this.literal.get(WILDCARD) ?? NONE));
    for (const length of this.prefixLengths)
      if (length <= name.length) found.push(...(this.prefixed.get(name.slice(0, length)) ?? NONE));
    return found;
  }

  all(): AclEntry[] {
    return [...this.literal.values(), ...this.prefixed.values()].flat();
  }
}

const NONE: readonly AclEntry[] = [];

export class AclBook implements Acls, Pick<Access, "authorize" | "authorizeAny"> {
  version = 0;
  private readonly entries = new Map<string, AclEntry>();
  private sections: ReadonlyMap<ResourceType, Section> = new Map();

  constructor(
    private readonly file: DatabaseFile,
    private readonly rules: AuthorizationRules,
  ) {
    for (const entry of readAcls(file)) this.entries.set(keyOf(entry), entry);
    this.index();
  }

  list(filter: AclFilter): AclEntry[] {
    const found = [...this.entries].filter(([, entry]) => matches(entry, filter));
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  add(entries: readonly AclEntry[]): void {
    for (const entry of entries) {
      const why = whyNoEntry(entry);
      if (why !== undefined) throw new VoikError("argument_invalid", `the ACL entry ${why}`);
    }
    const fresh = new Map(entries.map((entry) => [keyOf(entry), entry]));
    for (const key of this.entries.keys()) fresh.delete(key);
    if (this.entries.size + fresh.size > ENTRIES_MAX) {
      const message = `there can be ${ENTRIES_MAX} ACL entries: remove some, or use prefixed ones`;
      throw new VoikError("limit_exceeded", message);
    }
    this.file.change((database) => {
      for (const entry of fresh.values()) insertAcl(database, entry);
    });
    for (const [key, entry] of fresh) this.entries.set(key, entry);
    this.index();
  }

  delete(filter: AclFilter): AclEntry[] {
    const gone = this.list(filter);
    this.file.change((database) => {
      for (const entry of gone) deleteAcl(database, entry);
    });
    for (const entry of gone) this.entries.delete(keyOf(entry));
    this.index();
    return gone;
  }

  authorize(
    principal: string,
    host: string,
    operation: AclOperation,
    resourceType: ResourceType,
    resourceName: string,
  ): boolean {
    if (!this.rules.enforcing || this.rules.superUsers.has(principal)) return true;
    const bearing = (this.sections.get(resourceType) as Section).bearingOn(resourceName);
    if (bearing.length === 0) return this.rules.allowEveryoneIfNoAcl;
    const mine = bearing.filter((entry) => concerns(entry, principal, host));
    return !mine.some((entry) => denies(entry, operation)) && mine.some((entry) => allows(entry, operation));
  }

  authorizeAny(
    principal: string,
    host: string,
    operation: AclOperation,
    resourceType: ResourceType,
  ): boolean {
    if (!this.rules.enforcing || this.rules.superUsers.has(principal)) return true;
    const all = (this.sections.get(resourceType) as Section).all();
    const mine = all.filter((entry) => concerns(entry, principal, host));
    const denied = mine.filter((entry) => denies(entry, operation));
    if (denied.some((entry) => entry.resourceName === WILDCARD && entry.patternType === "literal"))
      return false;
    if (this.rules.allowEveryoneIfNoAcl) return true;
    const allowed = mine.filter((entry) => allows(entry, operation));
    return allowed.some((entry) => !denied.some((deny) => swallows(deny, entry)));
  }

  private index(): void {
    const sections = new Map<ResourceType, Section>();
    for (const type of RESOURCE_TYPES) sections.set(type, new Section());
    for (const entry of this.entries.values()) sections.get(entry.resourceType)?.add(entry);
    this.sections = sections;
    this.version++;
  }
}

function concerns(entry: AclEntry, principal: string, host: string): boolean {
  return (
    (entry.principal === principal || entry.principal === EVERYBODY) &&
    (entry.host === host || entry.host === WILDCARD)
  );
}

function denies({ permission, operation }: AclEntry, asked: AclOperation): boolean {
  return permission === "deny" && (operation === asked || operation === "all");
}

function allows({ permission, operation }: AclEntry, asked: AclOperation): boolean {
  if (permission !== "allow") return false;
  return operation === asked || operation === "all" || (IMPLIED_BY[asked]?.includes(operation) ?? false);
}

/** Whether everything that `allow` is for is denied by `deny`. */
function swallows(deny: AclEntry, allow: AclEntry): boolean {
  if (deny.patternType === "literal")
    return allow.patternType === "literal" && allow.resourceName === deny.resourceName;
  // An allowed "*" is for names outside any prefix as well.
  return allow.resourceName.startsWith(deny.resourceName);
}
