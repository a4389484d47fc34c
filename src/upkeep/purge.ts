import type { Database } from '../db/database.ts';
import type { Value } from '../db/connection.ts';
import type { Stamper, Transaction } from '../db/transaction.ts';
import { AmbiguousIdError, NotFoundError } from '../errors.ts';
import {
  automations,
  runtimeThreads,
  sessions,
  tasks,
  threads,
  type MutableTable,
} from '../model/registers.ts';
import { sweepBlobs } from './repair.ts';

export interface PurgeResult {
  kind: string;
  id: string;
}

interface Rule {
  readonly kind: string;
  readonly table: MutableTable;
  /** What the row itself is emptied to. */
  readonly blank: Record<string, Value>;
  /** Statements that empty its children; each takes the id. */
  readonly children: readonly string[];
}

const EMPTY = `body = 'null', body_hash = null`;
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
    blank: { title: '', workspace: '', model: '' },
    children: [
      `update session_messages set ${EMPTY} where session_id = ?`,
      'delete from session_checkpoints where session_id = ?',
      'delete from offline_queue where session_id = ?',
      `delete from artifacts where owner_kind = 'session' and owner_id = ?`,
      `delete from goals where scope = 'session' and owner_id = ?`,
      `delete from legacy_records where kind in ('approval_receipts', 'work_graph_archive') and owner_id = ?`,
      ...forget(`kind in ('session', 'message') and owner_id = ?`),
    ],
  },
  {
    kind: 'thread',
    table: threads,
    blank: { title: null, preview: '', cwd: '', tools: '[]' },
    children: [
      `update thread_messages set ${EMPTY} where thread_id = ?`,
      'delete from thread_checkpoints where thread_id = ?',
      `delete from goals where scope = 'thread' and owner_id = ?`,
    ],
  },
  {
    kind: 'runtime thread',
    table: runtimeThreads,
    blank: { title: null, workspace: '' },
    children: [
      `update runtime_events set ${EMPTY}, legacy = null where thread_id = ?`,
      `delete from runtime_items where turn_id in (select id from runtime_turns where thread_id = ?)`,
      'delete from runtime_turns where thread_id = ?',
      `delete from goals where scope = 'runtime' and owner_id = ?`,
      ...forget(`kind = 'item' and owner_id = ?`),
    ],
  },
  {
    kind: 'task',
    table: tasks,
    blank: { prompt: '', workspace: '', error: null },
    children: [
      `delete from artifacts where owner_kind = 'task' and owner_id = ?`,
      ...forget(`kind = 'task' and owner_id = ?`),
    ],
  },
  {
    kind: 'automation',
    table: automations,
    blank: { name: '', prompt: '', status: 'paused', next_run_at: null },
    children: ['delete from automation_runs where automation_id = ?'],
  },
];

/**
 * Empties a session, thread, task or automation for good: its content leaves the store, a small
 * mark stays so that no later import or sync brings it back.
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
    for (const statement of rule.children) transaction.run(statement, [id]);
    const now = transaction.now();
    transaction.update(rule.table, id, {
      ...rule.blank,
      body: '{}',
      body_hash: null,
      deleted_at: now,
      purged_at: now,
    });
    return rule.kind;
  });
  await sweepBlobs(database, stamper);
  return { kind, id };
}

function exists(transaction: Transaction, table: MutableTable, id: string): boolean {
  return transaction.number(`select count(*) from ${table.name} where id = ?`, [id]) > 0;
}
