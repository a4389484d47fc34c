import { hasBlob, loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import { workedOn } from '../areas/runtime-turns.ts';
import { noteItem, noteItemsOf } from '../areas/searched-items.ts';
import type { Columns } from '../db/content.ts';
import { queueDoc } from '../db/search-index.ts';
import { rowsById } from '../db/synced-rows.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { taskWorkedOn } from '../db/worked-on.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import type { MutableTable } from '../model/table-kinds.ts';
import { sweepBlobs } from '../upkeep/repair.ts';
import type { Access } from './connect.ts';
import { isPurged, rootOf } from './roots.ts';

const LISTED = '"codewhale-store sync conflicts" lists them with their numbers.';
const noConflict = (number: number) =>
  new NotFoundError('conflict', String(number), { by: 'number', hint: LISTED });

/** What a conflict was about. */
export interface RestoredConflict {
  readonly number: number;
  readonly table: string;
  readonly id: string;
  readonly register: string;
}

interface ConflictRow extends BodyColumns {
  readonly table_name: string;
  readonly row_id: string;
  readonly register: string;
}

/** The columns that lost as `apply/apply-register.ts` keeps them; those that were null are left out. */
type Lost = Columns & { readonly body?: string; readonly body_hash?: string };

export async function dismissConflict({ database, now }: Access, number: number): Promise<void> {
  await database.write({ now }, (transaction) => {
    if (forget(transaction, number) === 0) throw noConflict(number);
  });
  await sweepBlobs(database, { now });
}

export async function dismissConflicts({ database, now }: Access): Promise<number> {
  const count = await database.write({ now }, (transaction) =>
    transaction.run('delete from conflicts'),
  );
  await sweepBlobs(database, { now });
  return count;
}

export async function restoreConflict(
  { database, now }: Access,
  number: number,
): Promise<RestoredConflict> {
  return database.write({ now }, (transaction) => {
    const { row, table } = findConflict(transaction, number);
    const { row_id: id, register } = row;
    const [held] = rowsById(transaction, table, [id]).values();
    if (!held) throw new NotFoundError(table.name, id);
    refusePurged(transaction, table, register, held);
    const names = table.registers[register] ?? [];
    const changes = lostColumns(transaction, names, JSON.parse(loadBody(transaction, row)) as Lost);
    const same = names.every((name) => changes[name] === held[name]);
    if (!same) {
      transaction.update(table, id, changes);
      followRestored(transaction, table, id);
    }
    forget(transaction, number);
    return { number, table: table.name, id, register };
  });
}

function forget(transaction: Transaction, number: number): number {
  return transaction.run('delete from conflicts where number = ?', [number]);
}

function findConflict(
  transaction: Transaction,
  number: number,
): { row: ConflictRow; table: MutableTable } {
  const row = transaction.first<ConflictRow>(
    ['table_name', 'row_id', 'register', 'body', 'body_hash'],
    'from conflicts where number = ?',
    [number],
  );
  const table = MUTABLE_TABLES.find(({ name }) => name === row?.table_name);
  if (!row || !table) throw noConflict(number);
  return { row, table };
}

function refusePurged(
  transaction: Transaction,
  table: MutableTable,
  register: string,
  held: Columns,
): void {
  const root = rootOf(transaction, table.name, held);
  if (register !== 'purge' && !(root && isPurged(transaction, root))) return;
  throw new ConflictError(`${String(held['id'])} was purged: nothing is brought back into it`);
}

function lostColumns(transaction: Transaction, names: readonly string[], lost: Lost): Row {
  const { body, body_hash: hash, ...columns } = lost;
  const changes: Row = {};
  for (const name of names) {
    if (name !== 'body' && name !== 'body_hash') changes[name] = columns[name] ?? null;
  }
  if (!names.includes('body_hash')) return changes;
  if (body !== undefined) return { ...changes, ...storeBody(transaction, body) };
  if (hash !== undefined && !hasBlob(transaction, hash)) {
    throw new ConflictError('the content that lost is not kept here any more');
  }
  if (names.includes('body')) return { ...changes, body: null, body_hash: hash ?? null };
  return { ...changes, body_hash: hash ?? '' };
}

const SEARCHED = { sessions: 'session', tasks: 'task' } as const;

/** What follows from the columns: the time of work, as a sync derives it elsewhere, and the search. */
function followRestored(transaction: Transaction, { name }: MutableTable, id: string): void {
  if (name === 'tasks') taskWorkedOn(transaction, id);
  if (name === 'runtime_items') noteItem(transaction, id);
  if (name === 'runtime_turns') {
    workedOn(transaction, id);
    noteItemsOf(transaction, id);
  }
  if (name !== 'sessions' && name !== 'tasks') return;
  queueDoc(transaction, { kind: SEARCHED[name], refId: id, ownerId: id, at: transaction.now() });
}
