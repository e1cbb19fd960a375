/**
 * Checksums over voik.db, which SQLite does not have: a bit that flips in a name, a time or a hash range is damage and
 * not another answer.
 *
 *   seals(stream_id, crc)      of the stream's row, its shards and its attributes
 *   seal(change, crc)          one row: number of the last change; checksum over that number, the tables' definitions,
 *                              everything in meta, and the sum of seals
 *   voik.db-seal               the same two numbers in a file beside it (base/seal-file.ts)
 *
 * A seal is part of the transaction of its change, and costs a look at the rows of the streams that it changes.
 */
import type { Database } from "bun:sqlite";
import { crcOfRows, type Seal, type SealFile } from "../base/seal-file.ts";

/** What belongs to one stream. */
const STREAM_ROWS = [
  "SELECT * FROM streams WHERE id = ?",
  "SELECT * FROM shards WHERE stream_id = ? ORDER BY shard_index",
  "SELECT * FROM attributes WHERE stream_id = ? ORDER BY name",
];
const OTHER_ROWS = [
  "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name",
  "SELECT * FROM meta ORDER BY key",
  // Each of them covers the id of its stream: their sum tells a lost one as well as a list would.
  "SELECT count(*), sum(crc) FROM seals",
];

export class CatalogSeal {
  constructor(private readonly database: Database) {}

  /** Seals what a transaction has changed: the rows of these streams, and the catalog. To be called within it. */
  renew(streamIds: readonly string[]): Seal {
    const write = this.database.query("REPLACE INTO seals VALUES (?, ?)");
    for (const id of streamIds) {
      if (this.exists(id)) write.run(id, this.crcOfStream(id));
    }
    const change = (this.stored()?.change ?? 0) + 1;
    const crc = this.crcOfCatalog(change);
    this.database.query("REPLACE INTO seal VALUES (0, ?, ?)").run(change, crc);
    return { change, crc };
  }

  /** Seals everything that is there, for a catalog that has no seals yet. To be called within a transaction. */
  renewAll(): Seal {
    const ids = this.database.query<{ id: string }, []>("SELECT id FROM streams").all();
    return this.renew(ids.map(({ id }) => id));
  }

  /** The seal that the catalog carries; undefined when it has none. */
  stored(): Seal | undefined {
    return this.database.query<Seal, []>("SELECT change, crc FROM seal").get() ?? undefined;
  }

  /**
   * What does not fit the seals, or what the file beside the catalog knows, in words; undefined when everything does.
   * Throws SQLite's errors.
   */
  breach(file?: SealFile): string | undefined {
    const seal = this.stored();
    if (seal === undefined || seal.crc !== this.crcOfCatalog(seal.change))
      return "what is in it does not fit its checksum";
    const sealed = this.database.query<{ stream_id: string; crc: number }, []>("SELECT * FROM seals").all();
    const crcs = new Map(sealed.map(({ stream_id, crc }) => [stream_id, crc]));
    const streams = this.database
      .query<{ id: string; name: string }, []>("SELECT id, name FROM streams")
      .all();
    const bad = streams.find(({ id }) => crcs.get(id) !== this.crcOfStream(id));
    if (bad) return `what it says of stream ${bad.name} does not fit its checksum`;
    if (streams.length !== crcs.size) return "a stream is missing from it";
    return file?.breach(seal);
  }

  private exists(id: string): boolean {
    return (
      this.database.query<{ id: string }, [string]>("SELECT id FROM streams WHERE id = ?").get(id) !== null
    );
  }

  private crcOfStream(id: string): number {
    let crc = 0;
    for (const query of STREAM_ROWS) crc = crcOfRows(this.database.query(query).values(id), crc);
    return crc;
  }

  private crcOfCatalog(change: number): number {
    let crc = crcOfRows([[change]], 0);
    for (const query of OTHER_ROWS) crc = crcOfRows(this.database.query(query).values(), crc);
    return crc;
  }
}
