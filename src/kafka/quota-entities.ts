/**
 * Whose a quota is, as Kafka's protocol says it: a list of types and names, where a null name is the default; and
 * filters of such lists (KIP-546). An ip has connection rates only, which voik has not.
 */
import type { QuotaEntity } from "../access/quota.ts";
import { VoikError } from "../base/errors.ts";

export interface WireEntityPart {
  entityType: string;
  entityName: string | null;
}

/** The types of the wire and our names for them. */
const TYPES = { user: "user", "client-id": "clientId" } as const;
type EntityType = keyof typeof TYPES;
const ENTITY_TYPES = Object.keys(TYPES) as EntityType[];
const IP = "ip";

/** Throws VoikError argument_invalid for what is no entity here. */
export function quotaEntityOf(parts: readonly WireEntityPart[]): QuotaEntity {
  const entity: { -readonly [K in keyof QuotaEntity]: QuotaEntity[K] } = {};
  for (const { entityType, entityName } of parts) {
    if (!isEntityType(entityType)) {
      const message = `voik has quotas of users and client ids, not of ${JSON.stringify(entityType)}`;
      throw new VoikError("argument_invalid", message);
    }
    const type = TYPES[entityType];
    if (entity[type] !== undefined) throw twice(entityType);
    entity[type] = entityName;
  }
  return entity;
}

export function wireEntityOf(entity: QuotaEntity): WireEntityPart[] {
  const parts: WireEntityPart[] = [];
  for (const entityType of ENTITY_TYPES) {
    const entityName = entity[TYPES[entityType]];
    if (entityName !== undefined) parts.push({ entityType, entityName });
  }
  return parts;
}

interface WireFilterPart {
  entityType: string;
  matchType: number;
  match: string | null;
}

const MatchType = { exact: 0, default: 1, any: 2 } as const;

/**
 * The test that a filter amounts to: an entity has all the parts that the filter names, and no others if `strict`.
 * Throws VoikError argument_invalid for a filter that makes no sense.
 */
export function entityFilterOf(
  filters: readonly WireFilterPart[],
  strict: boolean,
): (entity: QuotaEntity) => boolean {
  const wanted = new Map<string, WireFilterPart>();
  for (const filter of filters) {
    if (wanted.has(filter.entityType)) throw twice(filter.entityType);
    checkFilter(filter);
    wanted.set(filter.entityType, filter);
  }
  if (wanted.has(IP) && wanted.size > 1)
    throw new VoikError("argument_invalid", "an ip is not asked for together with a user or a client id");
  // Nothing here is of an ip.
  if (wanted.has(IP)) return () => false;
  return (entity) =>
    ENTITY_TYPES.every((type) => {
      const filter = wanted.get(type);
      const name = entity[TYPES[type]];
      return filter === undefined ? !strict || name === undefined : fits(name, filter);
    });
}

function checkFilter({ entityType, matchType, match }: WireFilterPart): void {
  if (!isEntityType(entityType) && entityType !== IP) {
    const message = `quotas are of a user, a client-id or an ip, not of ${JSON.stringify(entityType)}`;
    throw new VoikError("argument_invalid", message);
  }
  const known = Object.values(MatchType).includes(matchType as never);
  if (!known || (matchType === MatchType.exact) !== (match !== null)) {
    const message = `match type ${matchType} is to be 0 with a name, or 1 (the default) or 2 (any) without one`;
    throw new VoikError("argument_invalid", message);
  }
}

function fits(name: string | null | undefined, { matchType, match }: WireFilterPart): boolean {
  if (matchType === MatchType.any) return name !== undefined;
  return matchType === MatchType.default ? name === null : name === match;
}

function isEntityType(type: string): type is EntityType {
  return Object.hasOwn(TYPES, type);
}

function twice(type: string): VoikError {
  return new VoikError("argument_invalid", `${type} is there twice in one entity`);
}
