import type { Database } from '../db/database.ts';
import { forgetBody } from '../db/imported-bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Row, Stamper } from '../db/transaction.ts';
import { runtimeThreads, sessions, threads } from '../model/registers.ts';
import type { MutableTable } from '../model/table-kinds.ts';

/** Records without which their parts would not be shown: the record, its part, how that names it. */
const PARENTS = [
  { parent: sessions, part: 'session_messages', column: 'session_id' },
  { parent: threads, part: 'thread_messages', column: 'thread_id' },
  { parent: runtimeThreads, part: 'runtime_turns', column: 'thread_id' },
  { parent: runtimeThreads, part: 'runtime_events', column: 'thread_id' },
] as const;

/** What a record is called until the hub, or a person, says its name. */
const TITLE = 'title lost to damage';
const BATCH = 200;

/**
 * Puts a stand-in where a record was lost and its parts are there. Its versions are below all others:
 * the record as the hub has it wins.
 */
export async function standInForLost(database: Database, stamper: Stamper): Promise<void> {
  for (const { parent, part, column } of PARENTS) {
    const lost = await database.read((reader) =>
      reader.list<{ id: string; first: number; last: number }>(
        [
          `${column} as id`,
          'coalesce(min(created_at), 0) as first',
          'coalesce(max(created_at), 0) as last',
        ],
        `from ${part} where ${column} not in (select id from ${parent.name}) group by ${column}`,
      ),
    );
    for (let start = 0; start < lost.length; start += BATCH) {
      await database.write(stamper, (transaction) => {
        for (const { id, first, last } of lost.slice(start, start + BATCH)) {
          const times = { created_at: first, updated_at: last };
          const row = { ...blankRow(transaction, parent), id, title: TITLE, body: '{}', ...times };
          transaction.insert(parent, row, { ms: 0, device: transaction.device });
          forgetBody(transaction, parent.name, id);
        }
      });
    }
  }
}

/** Values that stand for nothing; device and versions are the transaction's business. */
function blankRow(reader: Reader, table: MutableTable): Row {
  const stamped = new Set(Object.keys(table.registers).map((register) => `${register}_version`));
  const row: Row = {};
  const sql = 'select name, type, "notnull" from pragma_table_info(?)';
  for (const [name, type, notNull] of reader.rows(sql, [table.name])) {
    const column = String(name);
    if (column === 'device' || stamped.has(column)) continue;
    if (Number(notNull) === 0) row[column] = null;
    else row[column] = String(type).toLowerCase() === 'integer' ? 0 : '';
  }
  return row;
}
