/**
 * The tables of voik.db, as the steps that made them. user_version counts the steps that a file has seen; opening
 * one runs the rest, in one transaction. A step that was released never changes: the next one is added behind it.
 *
 *   meta(key, value)                                             cluster_id, producer_ids, setting.<name>
 *   streams(id, name, state, created_at_ms, retention_ms, durability, settings)   state: creating -> active -> deleting
 *   shards(stream_id, shard_index, hash_start, hash_end, created_at_ms, closed_at_ms, parents)
 *   attributes(stream_id, name, value)                           what the edges keep with a stream
 *   seals, seal                                                  checksums of all of that: catalog-seal.ts
 */

/** "voik", so that file(1) and we can tell the database from another. */
export const APPLICATION_ID = 0x766f696b;

export const SCHEMA_STEPS: readonly string[] = [
  `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE streams(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    retention_ms INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX streams_by_name ON streams(name) WHERE state <> 'deleting';
  CREATE TABLE shards(
    stream_id TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE,
    shard_index INTEGER NOT NULL,
    hash_start TEXT NOT NULL,
    hash_end TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER,
    parents TEXT NOT NULL,
    PRIMARY KEY (stream_id, shard_index)
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE streams ADD COLUMN durability TEXT NOT NULL DEFAULT 'sync'`,
  `
  CREATE TABLE attributes(
    stream_id TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (stream_id, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE streams ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'`,
  `
  CREATE TABLE seals(
    stream_id TEXT PRIMARY KEY REFERENCES streams(id) ON DELETE CASCADE,
    crc INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE seal(id INTEGER PRIMARY KEY CHECK (id = 0), change INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
  `,
];

/** The format from which on a catalog has seals. */
export const SEALED_FROM_VERSION = 5;
