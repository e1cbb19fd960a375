/**
 * A checksum over everything that a small database says (decision 0073): a bit that flips in a name or a secret is damage
 * and not another answer.
 *
 *   seal(id, change, sum, crc)    one row: number of the last change; sum of the checksums of all rows; checksum over
 *                                 both and the tables' definitions
 *
 * A change costs a look at the rows that it touches: triggers of the connection note what each was and is, and their
 * checksums are taken from the sum and added to it.
 */
import type { Database } from "bun:sqlite";
import { crc32c } from "./crc32c.ts";
import { crcOfRows, type Seal } from "./seal-file.ts";

/** The step that gives a database its seal. */
export const SEAL_TABLE = `CREATE TABLE seal(
  id INTEGER PRIMARY KEY CHECK (id = 0), change INTEGER NOT NULL, sum INTEGER NOT NULL, crc INTEGER NOT NULL
) STRICT`;

interface StoredSeal extends Seal {
  sum: number;
}

const SUM_END = 2 ** 48;
const DEFINITIONS = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'seal'";
const COLUMNS = "SELECT name FROM pragma_table_info(?) ORDER BY cid";

export class DatabaseSeal {
  constructor(private readonly database: Database) {}

  /** The seal that the database carries; undefined when it has none. */
  get stored(): Seal | undefined {
    return this.read();
  }

  /** Whether everything in it fits its seal. Throws SQLite's errors. */
  fits(): boolean {
    const seal = this.read();
    return seal?.sum === this.sumOfRows() && seal.crc === this.crcOf(seal.change, seal.sum);
  }

  /** Seals everything that is there, for a database that has no seal yet. To be called within a transaction. */
  renewAll(): void {
    this.write(this.sumOfRows());
  }

  /** Has the connection note from now on which rows are touched. */
  watch(): void {
    const { database } = this;
    database.run("PRAGMA temp_store = MEMORY");
    database.run("PRAGMA recursive_triggers = ON"); // or a REPLACE would not tell what it takes away
    database.run("CREATE TEMP TABLE touched(sign INTEGER NOT NULL, text TEXT NOT NULL)");
    for (const table of this.tables()) {
      const gone = `INSERT INTO touched VALUES (-1, ${this.textOf(table, "old.")});`;
      const come = `INSERT INTO touched VALUES (1, ${this.textOf(table, "new.")});`;
      const on = (event: string, notes: string) =>
        database.run(
          `CREATE TEMP TRIGGER "${table} ${event}" AFTER ${event} ON "${table}" BEGIN ${notes} END`,
        );
      on("INSERT", come);
      on("DELETE", gone);
      on("UPDATE", gone + come);
    }
  }

  /** Seals what a transaction has changed; undefined when it is nothing. To be called within it. */
  renew(): Seal | undefined {
    const touched = this.database
      .query<{ sign: number; text: string }, []>("SELECT sign, text FROM touched")
      .all();
    if (touched.length === 0) return undefined;
    this.database.run("DELETE FROM touched");
    const change = touched.reduce((sum, { sign, text }) => sum + sign * crcOfText(text), 0);
    const sum = ((this.read()?.sum ?? 0) + change) % SUM_END;
    return this.write(sum < 0 ? sum + SUM_END : sum);
  }

  private read(): StoredSeal | undefined {
    return this.database.query<StoredSeal, []>("SELECT change, sum, crc FROM seal").get() ?? undefined;
  }

  private write(sum: number): Seal {
    const change = (this.read()?.change ?? 0) + 1;
    const crc = this.crcOf(change, sum);
    this.database.query("REPLACE INTO seal VALUES (0, ?, ?, ?)").run(change, sum, crc);
    return { change, crc };
  }

  private crcOf(change: number, sum: number): number {
    return crcOfRows(this.database.query(DEFINITIONS).values(), crcOfRows([[change, sum]], 0));
  }

  private sumOfRows(): number {
    let sum = 0;
    for (const table of this.tables()) {
      const rows = this.database.query(`SELECT ${this.textOf(table, "")} FROM "${table}"`).values();
      for (const [text] of rows) sum = (sum + crcOfText(text as string)) % SUM_END;
    }
    return sum;
  }

  private tables(): string[] {
    return this.database
      .query<{ name: string }, []>(TABLES)
      .all()
      .map(({ name }) => name);
  }

  /** The SQL that writes a row of a table, the table's name before it, as one text. */
  private textOf(table: string, row: "" | "old." | "new."): string {
    const columns = this.database.query<{ name: string }, [string]>(COLUMNS).all(table);
    return [`'${table}'`, ...columns.map(({ name }) => `quote(${row}"${name}")`)].join(" || ' ' || ");
  }
}

function crcOfText(text: string): number {
  return crc32c(Buffer.from(text));
}
