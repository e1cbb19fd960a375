/** The catalog as tools see it that run without a server, beside one even: which folders are whose. Writes nothing. */
import { Database } from "bun:sqlite";
import { VoikError } from "../base/errors.ts";

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

/** The active streams in the database at `path`, by name. Throws VoikError storage_damaged when it can't be read. */
export function readCatalog(path: string): CatalogedStream[] {
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true });
    const rows = database.query<Row, []>(QUERY).all();
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
