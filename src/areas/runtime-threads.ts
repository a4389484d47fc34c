import type * as z from 'zod';
import { storeBody } from '../db/bodies.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError } from '../errors.ts';
import { replaceDetails } from '../model/record-body.ts';
import { runtimeThreads as table } from '../model/registers.ts';
import { RUNTIME_THREAD_FIELDS } from '../model/runtime.ts';
import type * as schema from '../model/runtime.ts';
import { newId } from './new-id.ts';
import { between, hasCome, type Condition, type Listing } from './page.ts';
import { RESTORABLE } from './purged.ts';
import { THREAD_COLUMNS, bodyOf, findThread, type ThreadRow } from './runtime-rows.ts';
import { activeTurn } from './runtime-turns.ts';

/** Columns of a thread by the field that sets them. */
const COLUMNS = {
  workspace: 'workspace',
  model: 'model',
  mode: 'mode',
  sessionId: 'session_id',
  taskId: 'task_id',
  latestTurnId: 'latest_turn_id',
} as const;

/** @returns the id */
export function insertThread(
  transaction: Transaction,
  thread: z.output<typeof schema.runtimeThreadCreateSchema>,
): string {
  const now = transaction.now();
  const id = thread.id ?? newId('thr', now);
  if (findThread(transaction, id)) throw new ConflictError(`the thread ${id} exists already`);
  const createdAt = thread.createdAt ?? now;
  transaction.insert(table, {
    id,
    title: thread.title,
    workspace: thread.workspace,
    model: thread.model,
    mode: thread.mode,
    session_id: thread.sessionId,
    task_id: thread.taskId,
    latest_turn_id: null,
    archived: 0,
    deleted_at: null,
    created_at: createdAt,
    ...storeBody(transaction, JSON.stringify(thread.details)),
  });
  return id;
}

export function threadListing(query: z.output<typeof schema.runtimeThreadListSchema>): Listing {
  const where: Condition[] = [
    { sql: query.deleted ? RESTORABLE : 'deleted_at is null' },
    hasCome(table),
    ...between('updated_at', query.since, query.until),
  ];
  if (query.workspace !== undefined) {
    where.push({ sql: 'workspace = ?', params: [query.workspace] });
  }
  if (!query.deleted && query.archived !== 'include') {
    where.push({ sql: `archived = ${query.archived === 'only' ? 1 : 0}` });
  }
  return {
    table: 'runtime_threads',
    columns: THREAD_COLUMNS,
    where,
    sort: 'updated_at',
    descending: true,
    limit: query.limit,
    cursor: query.cursor,
  };
}

/** The columns that an update changes; a title and archiving leave the time of the last work. */
export function threadChanges(
  transaction: Transaction,
  old: ThreadRow,
  update: z.output<typeof schema.runtimeThreadUpdateSchema>,
): Row {
  const moves = update.workspace !== undefined && update.workspace !== old.workspace;
  if (moves && activeTurn(transaction, old.id) !== undefined) {
    throw new ConflictError(`the thread ${old.id} has an active turn: its workspace stays`);
  }
  const work: Row = {};
  for (const [field, column] of Object.entries(COLUMNS)) {
    const value = update[field as keyof typeof COLUMNS];
    if (value !== undefined) work[column] = value;
  }
  if (update.details) {
    const body = bodyOf(transaction, 'runtime_threads', old.id);
    const replaced = replaceDetails(body, RUNTIME_THREAD_FIELDS, update.details);
    Object.assign(work, storeBody(transaction, replaced));
  }
  return {
    ...(update.title === undefined ? {} : { title: update.title }),
    ...(update.archived === undefined ? {} : { archived: update.archived ? 1 : 0 }),
    ...work,
  };
}
