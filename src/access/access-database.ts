/**
 * access.db: users, their credentials and access keys, ACL entries, quotas. What is read here was checked when it was
 * written; a row that makes no sense is damage.
 *
 *   meta(key, value)                                            decoy_secret: makes decoy credentials
 *   users(name, created_at_ms)
 *   scram(user, mechanism, salt, iterations, stored_key, server_key)
 *   access_keys(id, user, secret, created_at_ms)                the secret as it is: decision 0125
 *   acls(resource_type, resource_name, pattern_type, principal, host, operation, permission)
 *   quotas(user, client_id, key, bytes_per_second)              user and client_id as quota.ts writes them
 *   seal                                                        checksum of all of that: base/database-seal.ts
 */
import type { Database } from "bun:sqlite";
import type { DatabaseFile, DatabaseFormat } from "../base/database.ts";
import { SEAL_TABLE } from "../base/database-seal.ts";
import type { AccessKey } from "./access.ts";
import type { AclEntry } from "./acl.ts";
import { partOfText, type Quota, type QuotaKey, textOfPart } from "./quota.ts";
import type { ScramCredential, ScramMechanism } from "./scram.ts";

export const ACCESS_FORMAT: DatabaseFormat = {
  // "vkac"
  applicationId: 0x766b6163,
  what: "voik's access database",
  remedy: "Put it back from a backup, or remove it and access.db-seal to start without users and ACLs",
  sealedFrom: 3,
  steps: [
    `
    CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE users(name TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE scram(
      user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
      mechanism TEXT NOT NULL,
      salt BLOB NOT NULL,
      iterations INTEGER NOT NULL,
      stored_key BLOB NOT NULL,
      server_key BLOB NOT NULL,
      PRIMARY KEY (user, mechanism)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE access_keys(
      id TEXT PRIMARY KEY,
      user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
      secret TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX access_keys_by_user ON access_keys(user);
    CREATE TABLE acls(
      resource_type TEXT NOT NULL,
      resource_name TEXT NOT NULL,
      pattern_type TEXT NOT NULL,
      principal TEXT NOT NULL,
      host TEXT NOT NULL,
      operation TEXT NOT NULL,
      permission TEXT NOT NULL,
      PRIMARY KEY (resource_type, resource_name, pattern_type, principal, host, operation, permission)
    ) STRICT, WITHOUT ROWID;
    `,
    `
    CREATE TABLE quotas(
      user TEXT NOT NULL,
      client_id TEXT NOT NULL,
      key TEXT NOT NULL,
      bytes_per_second INTEGER NOT NULL,
      PRIMARY KEY (user, client_id, key)
    ) STRICT, WITHOUT ROWID;
    `,
    SEAL_TABLE,
  ],
};

const DECOY_SECRET = "decoy_secret";

/** The secret behind decoy credentials; `fresh` becomes it when there is none yet. */
export function readDecoySecret(file: DatabaseFile, fresh: () => Buffer): Buffer {
  return file.change((database) => {
    const row = database
      .query<{ value: Uint8Array }, [string]>("SELECT value FROM meta WHERE key = ?")
      .get(DECOY_SECRET);
    if (row) return Buffer.from(row.value);
    const secret = fresh();
    database.query("INSERT INTO meta VALUES (?, ?)").run(DECOY_SECRET, secret);
    return secret;
  });
}

export interface UserRow {
  name: string;
  createdAtMs: number;
}

export function readUsers(file: DatabaseFile): UserRow[] {
  return file.run((database) =>
    database
      .query<{ name: string; created_at_ms: number }, []>("SELECT * FROM users ORDER BY name")
      .all()
      .map(({ name, created_at_ms: createdAtMs }) => ({ name, createdAtMs })),
  );
}

export function insertUser(database: Database, { name, createdAtMs }: UserRow): void {
  database.query("INSERT INTO users VALUES (?, ?)").run(name, createdAtMs);
}

export function deleteUser(database: Database, name: string): void {
  database.query("DELETE FROM users WHERE name = ?").run(name);
}

export interface ScramRow extends ScramCredential {
  user: string;
  mechanism: ScramMechanism;
}

interface ScramRecord {
  user: string;
  mechanism: ScramMechanism;
  salt: Uint8Array;
  iterations: number;
  stored_key: Uint8Array;
  server_key: Uint8Array;
}

export function readScram(file: DatabaseFile): ScramRow[] {
  return file.run((database) =>
    database
      .query<ScramRecord, []>("SELECT * FROM scram")
      .all()
      .map(({ user, mechanism, salt, iterations, stored_key, server_key }) => ({
        user,
        mechanism,
        salt: Buffer.from(salt),
        iterations,
        storedKey: Buffer.from(stored_key),
        serverKey: Buffer.from(server_key),
      })),
  );
}

export function replaceScram(database: Database, row: ScramRow): void {
  database
    .query("REPLACE INTO scram VALUES (?, ?, ?, ?, ?, ?)")
    .run(row.user, row.mechanism, row.salt, row.iterations, row.storedKey, row.serverKey);
}

export function deleteScram(database: Database, user: string, mechanism: ScramMechanism): void {
  database.query("DELETE FROM scram WHERE user = ? AND mechanism = ?").run(user, mechanism);
}

export function readAccessKeys(file: DatabaseFile): AccessKey[] {
  const sql = "SELECT id, user, secret FROM access_keys ORDER BY created_at_ms, id";
  return file.run((database) => database.query<AccessKey, []>(sql).all());
}

export function insertAccessKey(database: Database, key: AccessKey, createdAtMs: number): void {
  database
    .query("INSERT INTO access_keys VALUES (?, ?, ?, ?)")
    .run(key.id, key.user, key.secret, createdAtMs);
}

export function deleteAccessKey(database: Database, id: string): void {
  database.query("DELETE FROM access_keys WHERE id = ?").run(id);
}

/** The columns of acls and the members of an entry, in the order of the table. */
const ACL_COLUMNS = `resource_type AS resourceType, resource_name AS resourceName, pattern_type AS patternType,
  principal, host, operation, permission`;

export function readAcls(file: DatabaseFile): AclEntry[] {
  return file.run((database) => database.query<AclEntry, []>(`SELECT ${ACL_COLUMNS} FROM acls`).all());
}

export function insertAcl(database: Database, entry: AclEntry): void {
  database.query("INSERT INTO acls VALUES (?, ?, ?, ?, ?, ?, ?)").run(...columnsOf(entry));
}

export function deleteAcl(database: Database, entry: AclEntry): void {
  const where = `resource_type = ? AND resource_name = ? AND pattern_type = ? AND principal = ? AND host = ?
    AND operation = ? AND permission = ?`;
  database.query(`DELETE FROM acls WHERE ${where}`).run(...columnsOf(entry));
}

function columnsOf(entry: AclEntry): [string, string, string, string, string, string, string] {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = entry;
  return [resourceType, resourceName, patternType, principal, host, operation, permission];
}

interface QuotaRecord {
  user: string;
  client_id: string;
  key: QuotaKey;
  bytes_per_second: number;
}

export function readQuotas(file: DatabaseFile): Quota[] {
  return file.run((database) =>
    database
      .query<QuotaRecord, []>("SELECT * FROM quotas")
      .all()
      .map(({ user, client_id, key, bytes_per_second: bytesPerSecond }) => ({
        entity: { user: partOfText(user), clientId: partOfText(client_id) },
        key,
        bytesPerSecond,
      })),
  );
}

export function replaceQuota(database: Database, { entity, key, bytesPerSecond }: Quota): void {
  database
    .query("REPLACE INTO quotas VALUES (?, ?, ?, ?)")
    .run(textOfPart(entity.user), textOfPart(entity.clientId), key, bytesPerSecond);
}

export function deleteQuota(database: Database, { entity, key }: Pick<Quota, "entity" | "key">): void {
  database
    .query("DELETE FROM quotas WHERE user = ? AND client_id = ? AND key = ?")
    .run(textOfPart(entity.user), textOfPart(entity.clientId), key);
}
