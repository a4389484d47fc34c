import type Driver from 'libsql';
import { withCopy } from './compare-state-db.ts';

/** What an import notes for itself, what is derived, and the clock of the device. */
const APART = ['device', 'import_homes', 'import_sources', 'search_docs', 'blobs', 'blob_chunks'];

/** Every row of a closed store as text, with its table; the same rows give the same list. */
export function rowsOf(path: string): string[] {
  return withCopy(path, (db: Driver.Database) => {
    const tables = db
      .prepare(
        `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'
         and name not like 'search_index%' and name not like '%migrations%' order by name`,
      )
      .all() as { name: string }[];
    return tables.flatMap(({ name }) => (APART.includes(name) ? [] : tableRows(db, name)));
  });
}

function tableRows(db: Driver.Database, table: string): string[] {
  const columns = (db.prepare(`pragma table_info(${table})`).all() as { name: string }[]).map(
    ({ name }) => name,
  );
  // As JSON: the driver would cut texts at a NUL.
  const rows = db.prepare(`select json_array(${columns.join(', ')}) as row from ${table}`);
  return (rows.all() as { row: string }[]).map(({ row }) => `${table} ${row}`).sort();
}
