import fc from 'fast-check';
import { payloadOf, type Columns } from '../../src/db/content.ts';
import type { Database } from '../../src/db/database.ts';
import type { Reader } from '../../src/db/reader.ts';
import { storeBlob, storeBody } from '../../src/db/bodies.ts';
import { ConflictError } from '../../src/errors.ts';
import { rowsById, unknownColumns } from '../../src/db/synced-rows.ts';
import type { Row, Transaction } from '../../src/db/transaction.ts';
import type { ImmutableTable, MutableTable } from '../../src/model/table-kinds.ts';
import { Shapes } from '../../src/sync/apply/shape.ts';
import { chunkCount, chunkEntry } from '../../src/sync/chunks.ts';
import { registerEntries, rowEntry, type Ready, type Refused } from '../../src/sync/outgoing.ts';
import type { Entry } from '../../src/sync/pull-statements.ts';
import type { Outgoing } from '../../src/sync/push-statements.ts';

export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

/** Few ids, so that rows of several stores meet and belong to each other. */
const ID = fc.constantFrom('r0', 'r1');
const OWNERS = new Set(['session_id', 'thread_id', 'turn_id', 'automation_id', 'owner_id']);
/** Columns of which the schema takes certain values only. */
const CHECKED: Readonly<Record<string, fc.Arbitrary<string | number>>> = {
  'goals.scope': fc.constantFrom('thread', 'runtime', 'session'),
  'threads.archived': fc.nat(1),
  'runtime_threads.archived': fc.nat(1),
  'artifacts.owner_kind': fc.constantFrom('session', 'task'),
  'legacy_records.state': fc.constantFrom('kept', 'orphaned'),
};
const TEXT = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constant('a\u0000b'));
const BODY = fc.oneof(
  { weight: 9, arbitrary: fc.json({ maxDepth: 1 }) },
  // Kept among the blobs, sent inside its entry.
  { weight: 1, arbitrary: fc.nat(9).map((n) => JSON.stringify('x'.repeat(5000 + n))) },
);
const LATER: readonly Columns[] = [{}, { later_note: 'n' }, { later_note: 'm', later_count: 7 }];
const MS = fc.nat(3);

const shapes = new Shapes();

/** Writes random rows of one table into a store, and gives the entry of every state on the way. */
export async function writeRows(
  database: Database,
  table: MutableTable | ImmutableTable,
  draw: Draw,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const steps = draw(fc.integer({ min: 1, max: 4 }));
  for (let step = 0; step < steps; step++) {
    // Two copies of one store have one device: at these few times their stamps are often equal.
    const now = draw(MS);
    await database.write({ now: () => now }, (transaction) => {
      entries.push(
        ...(table.kind === 'mutable'
          ? changeRow(transaction, table, draw)
          : addRow(transaction, table, draw)),
      );
    });
  }
  return entries;
}

/** What would take an attempt back is refused, and nothing is changed. */
function isTaken(transaction: Transaction, table: MutableTable, id: string, values: Row): boolean {
  try {
    transaction.update(table, id, values);
    return true;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return false;
  }
}

function changeRow(transaction: Transaction, table: MutableTable, draw: Draw): Entry[] {
  const id = draw(ID);
  const held = rowsById(transaction, table, [id]).get(id);
  const registers = Object.keys(table.registers);
  const changing = held ? draw(fc.subarray(registers, { minLength: 1 })) : registers;
  const values = drawRow(
    transaction,
    table.name,
    changing.flatMap((register) => table.registers[register] ?? []),
    draw,
  );
  if (held) {
    if (!isTaken(transaction, table, id, values)) return [];
  } else transaction.insert(table, { id, ...derived(transaction, table.name), ...values });
  const row = rowsById(transaction, table, [id]).get(id) as Columns;
  // Of a purge that nobody has spoken of there is nothing to send.
  const said = changing.filter((register) => row[`${register}_version`] !== '');
  for (const register of said) {
    saveUnknown(transaction, table.name, id, register, laterColumns(row[`${register}_version`]));
  }
  // Of some rows only some registers come.
  return draw(fc.subarray(said, { minLength: Math.min(1, said.length) })).flatMap((register) => {
    const replaced = held?.[`${register}_version`] as string | undefined;
    const bases = replaced && draw(fc.boolean()) ? [replaced] : [];
    const unknown = unknownColumns(transaction, table.name, id);
    return toEntries(
      transaction,
      registerEntries(transaction, null, table, row, register, {
        bases,
        ancestors: new Map(),
        unknown,
      }),
    );
  });
}

function addRow(transaction: Transaction, table: ImmutableTable, draw: Draw): Entry[] {
  const id = draw(ID);
  const sql = `select count(*) from ${table.name} where id = ?`;
  if (transaction.number(sql, [id]) === 0) {
    const values = drawRow(transaction, table.name, table.columns, draw);
    const device = draw(fc.constantFrom('import', transaction.device));
    const number = transaction.number(`select count(*) from ${table.name}`);
    const seq = table.name === 'runtime_events' ? { seq: number } : {};
    transaction.insertPlain(table.name, [{ id, device, ...seq, ...values }]);
    saveUnknown(transaction, table.name, id, '', draw(fc.constantFrom(...LATER)));
  }
  const row = rowsById(transaction, table, [id]).get(id) as Columns;
  const unknown = unknownColumns(transaction, table.name, id).get('');
  return toEntries(transaction, [rowEntry(transaction, null, table, row, id, unknown)]);
}

function drawRow(
  transaction: Transaction,
  table: string,
  names: readonly string[],
  draw: Draw,
): Row {
  const shape = shapes.of(transaction, table);
  const row: Row = {};
  for (const name of names) {
    const column = shape.get(name);
    if (!column || name === 'body' || name === 'body_hash') continue;
    row[name] = draw<string | number | null>(valueOf(table, name, column));
  }
  if (names.includes('body')) return { ...row, ...storeBody(transaction, draw(BODY)) };
  if (!names.includes('body_hash')) return row;
  const bytes = Buffer.from(draw(fc.string({ minLength: 1, maxLength: 3 })));
  return { ...row, body_hash: draw(fc.nat(3)) === 0 ? '' : storeBlob(transaction, bytes) };
}

function valueOf(
  table: string,
  name: string,
  { type, nullable }: { type: 'text' | 'integer'; nullable: boolean },
): fc.Arbitrary<string | number | null> {
  const checked = CHECKED[`${table}.${name}`];
  if (checked) return checked;
  if (name === 'purged_at') return fc.constant(null);
  if (OWNERS.has(name)) return ID;
  if (name === 'status') return fc.constantFrom('running', 'queued', 'completed', 'fired');
  if (name === 'attempt') return fc.nat(2);
  const value: fc.Arbitrary<string | number> = type === 'integer' ? fc.nat(5) : TEXT;
  return nullable ? fc.option(value) : value;
}

/** Columns of a newer version of the library: there, too, another content is another version. */
function laterColumns(version: unknown): Columns {
  return LATER[Number.parseInt(String(version).slice(-1), 16) % LATER.length] as Columns;
}

/** Columns that are not sent. */
function derived(transaction: Transaction, table: string): Row {
  const shape = shapes.of(transaction, table);
  const names = ['updated_at', 'message_count'].filter((name) => shape.has(name));
  return Object.fromEntries(names.map((name) => [name, 0]));
}

function saveUnknown(
  transaction: Transaction,
  table: string,
  id: string,
  register: string,
  columns: Columns,
): void {
  const key = [table, id, register];
  transaction.run(
    'delete from unknown_columns where table_name = ? and row_id = ? and register = ?',
    key,
  );
  if (Object.keys(columns).length === 0) return;
  transaction.run(
    'insert into unknown_columns (table_name, row_id, register, columns) values (?, ?, ?, ?)',
    [...key, JSON.stringify(columns)],
  );
}

/** As the hub would give them; the pieces of large bodies are entries of their own. */
export function toEntries(reader: Reader, ready: readonly (Ready | Refused)[]): Entry[] {
  return ready.flatMap((one) => {
    if (!('entry' in one)) return [];
    const { entry, body } = one;
    const positions = body ? Array.from({ length: chunkCount(body) }, (_, i) => i) : [];
    const pieces = body
      ? positions.map((position) => chunkEntry(reader, null, body, position) as Outgoing)
      : [];
    return [...pieces, entry].map((one) => ({ ...one, seq: 0 }));
  });
}

/** The rows of a table with their bodies, as another device would be sent them. */
export function contentOf(reader: Reader, table: MutableTable | ImmutableTable): unknown[] {
  const ids = reader
    .rows(`select id from ${table.name} order by id`)
    .map((row) => row[0] as string);
  const rows = rowsById(reader, table, ids);
  return ids.map((id) => {
    const row = rows.get(id) as Columns;
    const { body: _, ...columns } = row;
    const names =
      table.kind === 'mutable' ? Object.values(table.registers).flat() : [...table.columns];
    const { t, h } = payloadOf(reader, table.name, row, names, undefined);
    return { ...columns, body_hash: null, text: t ?? null, file: h ?? null };
  });
}
