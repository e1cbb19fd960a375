/** The catalog as tools see it that run without a server, beside one even: which folders are whose. Writes nothing. */
import { Database } from "bun:sqlite";
import { VoikError } from "../base/errors.ts";
import { SEALED_FROM_VERSION } from "./catalog-schema.ts";
import { CatalogSeal } from "./catalog-seal.ts";

export interface CatalogedStream {
  /** The name of its folder. */
  id: string;
  name: string;
  retentionMs: number;
  shards: number[];
}

interface Row {
  id: string;
  name: string;
  retention_ms: number;
  shard_index: number;
}

const QUERY = `
  SELECT id, name, retention_ms, shard_index FROM streams JOIN shards ON stream_id = id
  WHERE state = 'active' ORDER BY name, shard_index`;

/**
 * The active streams in the database at `path`, by name. Throws VoikError storage_damaged when it can't be read, or
 * does not fit its own checksums.
 */
export function readCatalog(path: string): CatalogedStream[] {
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true });
    const rows = database.transaction(sealedRows)(database);
    return [...Map.groupBy(rows, (row) => row.id).values()].map((shards) => {
      const { id, name, retention_ms } = shards[0] as Row;
      return { id, name, retentionMs: retention_ms, shards: shards.map((row) => row.shard_index) };
    });
  } catch (error) {
    throw new VoikError("storage_damaged", `the catalog can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    database?.close();
  }
}

/** To be called in a transaction, so that a voik that is running changes nothing meanwhile. */
function sealedRows(database: Database): Row[] {
  const version = Number(database.query("PRAGMA user_version").values()[0]?.[0]);
  const breach = version < SEALED_FROM_VERSION ? undefined : new CatalogSeal(database).breach();
  if (breach !== undefined) throw new Error(breach);
  return database.query<Row, []>(QUERY).all();
}
