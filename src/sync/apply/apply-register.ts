import { keepLatestTurn, keepOwnTurn } from '../../areas/runtime-turns.ts';
import { noteItem, noteItemsOf } from '../../areas/searched-items.ts';
import { saveAncestors } from '../../db/ancestors.ts';
import { storeBody } from '../../db/bodies.ts';
import type { Value } from '../../db/connection.ts';
import { followEdit } from '../../db/imported-bodies.ts';
import { noteAgain } from '../../db/outbox.ts';
import { queueDoc, type SearchKind } from '../../db/search-index.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { taskWorkedOn } from '../../db/worked-on.ts';
import { mergeRegister } from '../../model/merge.ts';
import { isWork, mainRegister, type MutableTable } from '../../model/table-kinds.ts';
import { clockOf, isNobodys } from '../../model/version.ts';
import { sweepPurged } from '../../upkeep/purge.ts';
import { checkLargeBody, completeBody } from '../chunks.ts';
import { payloadOf, type Column, type Columns, type Payload } from '../../db/content.ts';
import type { Entry } from '../pull-statements.ts';
import { rowsById } from '../../db/synced-rows.ts';
import { raiseFloor } from '../state.ts';
import { isRootPurged, touchRoot, type ApplyContext } from './context.ts';
import { parseRoot, rootOf } from '../roots.ts';
import { blank, splitColumns } from './shape.ts';

/** What came of an entry. */
export type Applied = 'taken' | 'known' | 'chunks';

/**
 * Merges one register into its row, which is made where it is not there yet: registers come in any
 * order.
 *
 * @returns `chunks`: its body is not all here, nothing was changed
 * @throws `SealError` the columns do not fit the table
 */
export function applyRegister(
  context: ApplyContext,
  table: MutableTable,
  entry: Entry,
  received: Payload,
): Applied {
  const { transaction } = context;
  const payload = withoutPurgedBody(context, received);
  const register = entry.register;
  const names = table.registers[register] as readonly string[];
  const shape = context.shapes.of(transaction, table.name);
  const { known, unknown } = splitColumns(shape, names, payload.c);
  const held = rowsById(transaction, table, [payload.i]).get(payload.i);
  const version = held?.[`${register}_version`] as string | undefined;
  if (entry.version !== '') {
    transaction.observe(clockOf(entry.version));
    raiseFloor(transaction, clockOf(entry.version));
  }
  const lineage = { bases: payload.b ?? [], ancestors: payload.a ?? [] };
  const { outcome, conflict } = mergeRegister(version, entry.version, lineage, context.isOwn);
  if (outcome === 'keep') {
    // The hub lost ours: its own guard lets no earlier one take the place of a later.
    noteAgain(transaction, table.name, payload.i, register);
    return 'known';
  }
  // A purge is for ever: no later word takes it back, and those who heard that word hear it again.
  if (outcome === 'take' && register === 'purge' && isPurged(held) && !isPurged(known)) {
    transaction.restamp(table, payload.i, register, entry.version);
    return 'known';
  }
  // Its body may not be all on the hub, and then our note is what brings it there.
  if (outcome === 'same' && payload.h) return 'known';
  if (payload.h && !completeBody(transaction, payload.h)) return 'chunks';
  if (payload.h && table.name !== 'artifacts') checkLargeBody(transaction, payload.h);
  if (outcome === 'take') {
    const values: Row = {
      ...known,
      ...bodyColumns(transaction, names, payload),
      [`${register}_version`]: entry.version,
      ...(register === mainRegister(table) && payload.d ? { device: payload.d } : {}),
    };
    // First, because the schema may refuse it, and then nothing else may have changed.
    if (held) updateRow(transaction, table.name, payload.i, values);
    else insertRow(context, table, payload.i, values);
    if (held) followEdit(transaction, { table, id: payload.i, register }, held, entry.version);
  }
  // The hub holds this very version, or one that wins over what was noted.
  transaction.run('delete from outbox where table_name = ? and row_id = ? and register = ?', [
    table.name,
    payload.i,
    register,
  ]);
  if (outcome === 'same') return 'known';
  if (conflict && held) keepLoser(transaction, table, held, register, entry.version);
  keepUnknown(transaction, table.name, payload.i, register, unknown);
  const before = [...lineage.bases, ...lineage.ancestors];
  if (version !== undefined || before.length > 0) {
    const key = { table: table.name, rowId: payload.i, register };
    saveAncestors(transaction, key, entry.version, before);
  }
  if (conflict && held) carryOn(transaction, table, held, register);
  afterChange(context, table, payload.i, register, entry.version);
  return 'taken';
}

function isPurged(row: Columns | undefined): boolean {
  return (row?.['purged_at'] ?? null) !== null;
}

/** The pieces of a purged record's bodies are gone from the hub: nothing waits for them. */
function withoutPurgedBody(context: ApplyContext, payload: Payload): Payload {
  const root = payload.h?.root === undefined ? undefined : parseRoot(payload.h.root);
  if (!root || !isRootPurged(context, root)) return payload;
  const { h: _gone, ...rest } = payload;
  return { ...rest, t: '{}' };
}

function bodyColumns(transaction: Transaction, names: readonly string[], payload: Payload): Row {
  if (!names.includes('body_hash')) return {};
  if (payload.h)
    return { ...(names.includes('body') ? { body: null } : {}), body_hash: payload.h.hash };
  if (!names.includes('body')) return { body_hash: '' };
  return { ...storeBody(transaction, payload.t ?? 'null') };
}

function updateRow(transaction: Transaction, table: string, id: string, values: Row): void {
  const names = Object.keys(values);
  transaction.run(
    `update ${table} set ${names.map((name) => `${name} = ?`).join(', ')} where id = ?`,
    [...Object.values(values), id],
  );
}

/** Registers that have not come yet get blank columns and an empty version. */
function insertRow(context: ApplyContext, table: MutableTable, id: string, values: Row): void {
  const row: Row = { id };
  for (const [name, column] of context.shapes.of(context.transaction, table.name)) {
    if (name !== 'id') row[name] = values[name] ?? blank(column);
  }
  if ('body' in row && row['body'] === null && row['body_hash'] === null) row['body'] = '{}';
  context.transaction.insertPlain(table.name, [row]);
}

/**
 * Two devices that archived one session, or imported copies of one file, said the same: nothing is
 * lost where only the times differ.
 */
function isSame(name: string, lost: Column | undefined, won: Column | undefined): boolean {
  return lost === won || (name.endsWith('_at') && lost !== null && won !== null);
}

/** What the old program counts and finds its files by, per home: nothing that anybody wrote. */
const BOOKKEEPING = new Set(['runtime_state', 'runtime_owner', 'task_queue', 'session_index']);

/** The columns that lost, for people to see, unless they say what the winner says, or nobody said them. */
function keepLoser(
  transaction: Transaction,
  table: MutableTable,
  held: Columns,
  register: string,
  won: string,
): void {
  const lostVersion = held[`${register}_version`] as string;
  if (isNobodys(lostVersion)) return;
  const names = table.registers[register] as readonly string[];
  const now = rowsById(transaction, table, [held['id'] as string]).get(held['id'] as string);
  if (names.every((name) => isSame(name, held[name], now?.[name]))) return;
  if (table.name === 'legacy_records' && BOOKKEEPING.has(String(held['kind']))) return;
  const { c, t, h } = payloadOf(transaction, table.name, held, names, undefined);
  const lost = JSON.stringify({
    ...c,
    ...(t === undefined ? {} : { body: t }),
    ...(h ? { body_hash: h.hash } : {}),
  });
  transaction.insertPlain('conflicts', [
    {
      table_name: table.name,
      row_id: held['id'] as string,
      register,
      lost_version: lostVersion,
      won_version: won,
      found_at: transaction.now(),
      ...storeBody(transaction, lost),
    },
  ]);
}

/** What had happened here stands beside a decision that was made without knowing of it. */
function carryOn(
  transaction: Transaction,
  table: MutableTable,
  held: Columns,
  register: string,
): void {
  const latest = held['latest_turn_id'] ?? null;
  if (table.name === 'runtime_threads' && register === 'details' && latest !== null) {
    keepLatestTurn(transaction, held['id'] as string, latest as string);
  }
}

/** Columns of newer versions of this library wait here, and go on with the register. */
export function keepUnknown(
  transaction: Transaction,
  table: string,
  id: string,
  register: string,
  unknown: Columns,
): void {
  const key = [table, id, register];
  if (Object.keys(unknown).length === 0) {
    transaction.run(
      'delete from unknown_columns where table_name = ? and row_id = ? and register = ?',
      key,
    );
    return;
  }
  transaction.run(
    `insert or replace into unknown_columns (table_name, row_id, register, columns)
     values (?, ?, ?, ?)`,
    [...key, JSON.stringify(unknown)],
  );
}

const SEARCHED: Readonly<Record<string, { kind: SearchKind; registers: readonly string[] }>> = {
  sessions: { kind: 'session', registers: ['title', 'details'] },
  tasks: { kind: 'task', registers: ['prompt', 'details'] },
};

/** What follows from a register that was taken: derived columns, the search index, a purge. */
function afterChange(
  context: ApplyContext,
  table: MutableTable,
  id: string,
  register: string,
  version: string,
): void {
  const { transaction } = context;
  const row = rowsById(transaction, table, [id]).get(id) as Columns;
  const root = rootOf(transaction, table.name, row);
  touch(context, table, id, register, version);
  if (register === 'purge') context.purged.clear();
  if (root && isRootPurged(context, root)) {
    sweepPurged(transaction, root.table, root.id);
    return;
  }
  if (root) touchRoot(context, root);
  const searched = SEARCHED[table.name];
  if (searched?.registers.includes(register)) {
    const at = version === '' ? 0 : clockOf(version).ms;
    queueDoc(transaction, { kind: searched.kind, refId: id, ownerId: id, at });
  }
  if (table.name === 'runtime_items') noteItem(transaction, id);
  if (table.name !== 'runtime_turns') return;
  noteItemsOf(transaction, id);
  if (register === 'details') keepOwnTurn(transaction, id);
}

/** Raises `updated_at`, which is not sent but follows from what is. */
function touch(
  { transaction }: ApplyContext,
  table: MutableTable,
  id: string,
  register: string,
  version: string,
): void {
  if (table.name === 'tasks') {
    taskWorkedOn(transaction, id);
    return;
  }
  if (!isWork(table, register) || version === '') return;
  const values: Value[] = [clockOf(version).ms, id];
  transaction.run(`update ${table.name} set updated_at = max(updated_at, ?) where id = ?`, values);
}
