/**
 * All quotas in memory, and Kafka's rule for which of them counts for a client (KIP-55): of those that have a rate for
 * what it does, the first in the table RANKS. A change is written first and then made here, so what is seen is durable.
 */
import type { DatabaseFile } from "../base/database.ts";
import { VoikError } from "../base/errors.ts";
import type { Quotas, Rate } from "./access.ts";
import { deleteQuota, readQuotas, replaceQuota } from "./access-database.ts";
import {
  checkQuotaChange,
  QUOTA_KEYS,
  type Quota,
  type QuotaChange,
  type QuotaEntity,
  type QuotaKey,
  textOfPart,
} from "./quota.ts";

/** All of them lie in memory. */
const ENTITIES_MAX = 10_000;

const BY_NAME = "name";
const DEFAULT = null;
const ANY = undefined;

/** [user, client id], from what counts most to what counts least. */
const RANKS = [
  [BY_NAME, BY_NAME],
  [BY_NAME, DEFAULT],
  [BY_NAME, ANY],
  [DEFAULT, BY_NAME],
  [DEFAULT, DEFAULT],
  [DEFAULT, ANY],
  [ANY, BY_NAME],
  [ANY, DEFAULT],
] as const;

interface Entry {
  readonly entity: QuotaEntity;
  readonly rates: ReadonlyMap<QuotaKey, number>;
}

export class QuotaBook implements Quotas {
  version = 0;
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly file: DatabaseFile) {
    this.keep(this.with(readQuotas(file)));
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  list(): Quota[] {
    const sorted = [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, { entity, rates }]) =>
      QUOTA_KEYS.filter((key) => rates.has(key)).map((key) => ({
        entity,
        key,
        bytesPerSecond: rates.get(key) as number,
      })),
    );
  }

  alter(changes: readonly QuotaChange[]): void {
    for (const change of changes) checkQuotaChange(change);
    const changed = this.with(changes);
    let entities = this.entries.size;
    for (const [text, { rates }] of changed)
      entities += Number(rates.size > 0) - Number(this.entries.has(text));
    if (entities > Math.max(ENTITIES_MAX, this.entries.size)) {
      const message = `there can be quotas for ${ENTITIES_MAX} users and client ids: remove some, or use defaults`;
      throw new VoikError("limit_exceeded", message);
    }
    this.file.change((database) => {
      for (const { entity, key, bytesPerSecond } of changes) {
        if (bytesPerSecond === undefined) deleteQuota(database, { entity, key });
        else replaceQuota(database, { entity, key, bytesPerSecond });
      }
    });
    this.keep(changed);
  }

  rateOf(user: string, clientId: string, key: QuotaKey): Rate | undefined {
    for (const [userRank, clientRank] of RANKS) {
      const entity = {
        user: userRank === BY_NAME ? user : userRank,
        clientId: clientRank === BY_NAME ? clientId : clientRank,
      };
      const bytesPerSecond = this.entries.get(textOf(entity))?.rates.get(key);
      if (bytesPerSecond === undefined) continue;
      return { bytesPerSecond, ofUser: userRank !== ANY, ofClientId: clientRank !== ANY };
    }
    return undefined;
  }

  /** The entries that `changes` are about, as they are with them. */
  private with(changes: readonly QuotaChange[]): Map<string, Entry> {
    const changed = new Map<string, { entity: QuotaEntity; rates: Map<QuotaKey, number> }>();
    for (const { entity, key, bytesPerSecond } of changes) {
      const text = textOf(entity);
      let entry = changed.get(text);
      if (entry === undefined) {
        entry = { entity, rates: new Map(this.entries.get(text)?.rates) };
        changed.set(text, entry);
      }
      if (bytesPerSecond === undefined) entry.rates.delete(key);
      else entry.rates.set(key, bytesPerSecond);
    }
    return changed;
  }

  private keep(changed: ReadonlyMap<string, Entry>): void {
    for (const [text, entry] of changed) {
      if (entry.rates.size > 0) this.entries.set(text, entry);
      else this.entries.delete(text);
    }
    this.version++;
  }
}

/** No name that has a quota holds a line feed, so no two entities have one text. */
function textOf({ user, clientId }: QuotaEntity): string {
  return `${textOfPart(user)}\n${textOfPart(clientId)}`;
}
