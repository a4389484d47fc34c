import type { Database } from '../db/database.ts';
import type { Value } from '../db/connection.ts';
import { heldHash, removeRow } from '../db/immutable-row.ts';
import { forgetBody } from '../db/imported-bodies.ts';
import { isWithHub, noteAgain, notePurged } from '../db/outbox.ts';
import { unknownColumns } from '../db/synced-rows.ts';
import type { Stamper, Transaction } from '../db/transaction.ts';
import { AmbiguousIdError, NotFoundError } from '../errors.ts';
import {
  artifacts,
  automationRuns,
  automations,
  goals,
  legacyRecords,
  runtimeEvents,
  runtimeItems,
  runtimeThreads,
  runtimeTurns,
  sessionMessages,
  sessions,
  tasks,
  threadCheckpoints,
  threadMessages,
  threads,
  triggers,
} from '../model/registers.ts';
import type { ImmutableTable, MutableTable } from '../model/table-kinds.ts';
import { keptOf } from './kept-records.ts';
import { sweepBlobs } from './repair.ts';

export interface PurgeResult {
  kind: string;
  id: string;
}

type Blank = Readonly<Record<string, Value>>;

interface Rule {
  readonly kind: string;
  readonly table: MutableTable;
  /** What the row itself is emptied to. */
  readonly blank: Blank;
  /** Rows that never change, by the column that names their owner: they go. */
  readonly rows: readonly [ImmutableTable, string][];
  /** Rows that change: the condition that finds them, and what they are emptied to. */
  readonly records: readonly [MutableTable, string, Blank][];
  /** Statements for what is this device's own; each takes the id. */
  readonly local: readonly string[];
}

const BODY: Blank = { body: '{}', body_hash: null };
const FILE: Blank = { size: 0, modified_at: 0, body_hash: '' };
const KEPT: Blank = { state: 'kept', body: 'null', body_hash: null };

/** Forgets the searchable texts that a condition names. */
function forget(where: string): string[] {
  return [
    `delete from search_index where rowid in (select number from search_docs where ${where})`,
    `delete from search_docs where ${where}`,
  ];
}

const RULES: readonly Rule[] = [
  {
    kind: 'session',
    table: sessions,
    blank: { title: '', workspace: '', model: '', ...BODY },
    rows: [[sessionMessages, 'session_id']],
    records: [
      [artifacts, `owner_kind = 'session' and owner_id = ?`, FILE],
      [goals, `scope = 'session' and owner_id = ?`, { objective: '', ...BODY }],
      [triggers, `owner_session_id = ? and status = 'pending'`, { status: 'canceled' }],
      [triggers, 'owner_session_id = ?', { message: '', workspace: null, error: null, ...BODY }],
    ],
    local: [
      'delete from session_leaves where session_id = ?',
      'delete from session_checkpoints where session_id = ?',
      // Also those of other homes, which stand beside it: `<session>~<home>`.
      `delete from offline_queue where session_id = ?1
         or (substr(session_id, 1, length(?1) + 1) = ?1 || '~' and length(session_id) = length(?1) + 9)`,
      ...forget(`kind in ('session', 'message') and owner_id = ?`),
    ],
  },
  {
    kind: 'thread',
    table: threads,
    blank: { title: null, preview: '', cwd: '', tools: '[]', ...BODY },
    rows: [[threadMessages, 'thread_id']],
    records: [
      [threadCheckpoints, 'thread_id = ?', BODY],
      [goals, `scope = 'thread' and owner_id = ?`, { objective: '', ...BODY }],
    ],
    local: ['delete from thread_leaves where thread_id = ?'],
  },
  {
    kind: 'runtime thread',
    table: runtimeThreads,
    blank: { title: null, workspace: '', ...BODY },
    rows: [[runtimeEvents, 'thread_id']],
    records: [
      [
        runtimeItems,
        'turn_id in (select id from runtime_turns where thread_id = ?)',
        { summary: '', ...BODY },
      ],
      [runtimeTurns, 'thread_id = ?', { input_summary: '', error: null, ...BODY }],
      [goals, `scope = 'runtime' and owner_id = ?`, { objective: '', ...BODY }],
    ],
    local: forget(`kind = 'item' and owner_id = ?`),
  },
  {
    kind: 'task',
    table: tasks,
    blank: { prompt: '', workspace: '', error: null, ...BODY },
    rows: [],
    records: [[artifacts, `owner_kind = 'task' and owner_id = ?`, FILE]],
    local: [
      ...forget(`kind = 'task' and owner_id = ?`),
      // Its worker is told that it has nothing to do any more.
      'delete from task_leases where task_id = ?',
    ],
  },
  {
    kind: 'automation',
    table: automations,
    blank: { name: '', prompt: '', status: 'paused', next_run_at: null, ...BODY },
    rows: [],
    records: [[automationRuns, 'automation_id = ?', { error: null, ...BODY }]],
    local: [],
  },
];

/**
 * Empties what belongs to a purged record, as writes like any other: other devices get them, and
 * whatever still comes of it from one that has not heard of the purge is emptied in its turn.
 */
export function sweepPurged(transaction: Transaction, table: string, id: string): void {
  const rule = RULES.find((candidate) => candidate.table.name === table);
  if (!rule) return;
  let swept = 0;
  for (const [immutable, owner] of rule.rows) swept += sweepRows(transaction, immutable, owner, id);
  for (const [records, where, blank] of rule.records) {
    const children = transaction.list<{ id: string }>(
      ['id'],
      `from ${records.name} where ${where}`,
      [id],
    );
    for (const child of children) {
      const gone = hasDeletion(records) ? deletionOf(transaction, records, child.id) : {};
      swept += empty(transaction, records, child.id, { ...blank, ...gone });
    }
  }
  for (const kept of keptOf(transaction, table, id)) {
    swept += empty(transaction, legacyRecords, kept, KEPT);
  }
  for (const statement of rule.local) transaction.run(statement, [id]);
  // It stays deleted, too: a device that did not know of the purge may have restored it.
  const gone = deletionOf(transaction, rule.table, id);
  swept += empty(transaction, rule.table, id, { ...rule.blank, ...gone });
  if (swept > 0) sayAgain(transaction, { table, id });
}

/**
 * Said again by every device that had something of it: what it sent before of large bodies has to
 * go. Whoever joins later has sent nothing.
 */
export function sayAgain(
  transaction: Transaction,
  { table, id }: { readonly table: string; readonly id: string },
): void {
  noteAgain(transaction, table, id, 'purge');
}

/** All that was purged, where rows of it are still to go from the hub: which the purge comes before. */
export function sayAllAgain(transaction: Transaction): void {
  if (transaction.number('select exists (select 1 from outbox)') === 0) return;
  for (const { table } of RULES) {
    const from = `from ${table.name} where purged_at is not null`;
    for (const { id } of transaction.list<{ id: string }>(['id'], from)) {
      sayAgain(transaction, { table: table.name, id });
    }
  }
}

/**
 * Registers that have not come are blank and stay unstamped: a stamp of ours would win over what
 * comes of them, the device that made the row included.
 *
 * @returns how many registers changed
 */
function empty(transaction: Transaction, table: MutableTable, id: string, blank: Blank): number {
  const registers = Object.keys(table.registers);
  const versions = registers.map((register) => `${register}_version`);
  const [held = []] = transaction.rows(
    `select ${versions.join(', ')} from ${table.name} where id = ?`,
    [id],
  );
  const come = registers.filter((_, i) => held[i] !== '');
  const columns = new Set(come.flatMap((register) => table.registers[register] ?? []));
  const changes = Object.entries(blank).filter(([column]) => columns.has(column));
  const changed = transaction.updatePurged(table, id, Object.fromEntries(changes));
  const more = [...unknownColumns(transaction, table.name, id).keys()];
  const key = [table.name, id];
  transaction.run('delete from unknown_columns where table_name = ? and row_id = ?', key);
  // What a newer version of this library wrote beside what is blank goes from the hub, too.
  for (const register of more) {
    if (!changed.includes(register)) transaction.restamp(table, id, register, null);
  }
  // What lost against another device's word is content, too, and what an import said.
  transaction.run('delete from conflicts where table_name = ? and row_id = ?', key);
  forgetBody(transaction, table.name, id);
  return changed.length + more.length;
}

/**
 * Rows that never change are deleted; the hub is told by the hash of what they were. One whose id
 * others wait for goes last: they would move while they are being deleted.
 */
function sweepRows(
  transaction: Transaction,
  table: ImmutableTable,
  owner: string,
  id: string,
): number {
  const rows = transaction.list<{ id: string; original: string }>(
    ['r.id', 'coalesce(c.original_id, r.id) as original'],
    `from ${table.name} r
     left join clashes c on c.table_name = '${table.name}' and c.row_id = r.id where r.${owner} = ?
     order by c.row_id is null`,
    [id],
  );
  const told = rows.length > 0 && isWithHub(transaction);
  for (const { id: row, original } of rows) {
    const hash = told ? heldHash(transaction, table, row, original) : undefined;
    if (hash !== undefined) notePurged(transaction, table.name, original, hash);
    removeRow(transaction, table, row);
  }
  return rows.length;
}

function hasDeletion(table: MutableTable): boolean {
  return Object.values(table.registers).some((columns) => columns.includes('deleted_at'));
}

function deletionOf(transaction: Transaction, table: MutableTable, id: string): Blank {
  const [held] = transaction.rows(`select deleted_at from ${table.name} where id = ?`, [id]);
  return { deleted_at: held?.[0] ?? transaction.now() };
}

/**
 * Empties a session, thread, task or automation for good: its content leaves the store, a small
 * mark stays so that no later sync brings it back, nor an import, but for what the README says. Once
 * more does nothing.
 *
 * @throws `NotFoundError` nothing has this id
 * @throws `AmbiguousIdError` records of two kinds have it
 */
export async function purge(
  database: Database,
  stamper: Stamper,
  id: string,
): Promise<PurgeResult> {
  const kind = await database.write(stamper, (transaction) => {
    const rules = RULES.filter((rule) => exists(transaction, rule.table, id));
    const [rule] = rules;
    if (!rule) throw new NotFoundError('session, thread, task or automation', id);
    if (rules.length > 1) throw new AmbiguousIdError('record', id);
    if (!isPurged(transaction, rule.table, id)) {
      const now = transaction.now();
      transaction.update(rule.table, id, { deleted_at: now, purged_at: now });
    }
    sweepPurged(transaction, rule.table.name, id);
    return rule.kind;
  });
  await sweepBlobs(database, stamper);
  return { kind, id };
}

function isPurged(transaction: Transaction, table: MutableTable, id: string): boolean {
  const sql = `select count(*) from ${table.name} where id = ? and purged_at is not null`;
  return transaction.number(sql, [id]) > 0;
}

function exists(transaction: Transaction, table: MutableTable, id: string): boolean {
  return transaction.number(`select count(*) from ${table.name} where id = ?`, [id]) > 0;
}
