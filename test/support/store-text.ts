import type { Database } from '../../src/db/database.ts';
import { TABLES } from '../../src/model/registers.ts';

/** Every text of every table, one table a line, blobs aside: what tests look for is small. */
export function storeText(database: Database): Promise<string> {
  return database.read((reader) =>
    TABLES.filter(({ name }) => !name.startsWith('blob'))
      .map(({ name }) => {
        const columns = reader
          .rows('select name from pragma_table_info(?)', [name])
          .map(([column]) => `cast(${String(column)} as text)`);
        const rows = reader.rows(`select json_array(${columns.join(', ')}) from ${name}`);
        return `${name} ${JSON.stringify(rows)}`;
      })
      .join('\n'),
  );
}
