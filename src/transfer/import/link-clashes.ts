import { importChange } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Transaction } from '../../db/transaction.ts';
import { patchObject } from '../../model/json-text.ts';
import { runtimeThreads } from '../../model/registers.ts';
import { textOrNull, type HomeContext, type ImportRecord } from './record.ts';

/**
 * Links of records to others that got an id of their own because another home had used theirs. A
 * thread comes before its turns and its task, so that their ids are put in when they come.
 */

/** The id of the latest turn of a thread, as far as the turn came already. */
export function turnOfThread(
  reader: Reader,
  value: Record<string, unknown>,
  threadId: string,
  context: HomeContext,
): string | null {
  const legacyId = textOrNull(value, 'latest_turn_id');
  if (legacyId === null) return null;
  const known = reader.first<{ id: string }>(
    ['id'],
    'from runtime_turns where thread_id = ? and legacy_id = ?',
    [threadId, legacyId],
  );
  return known?.id ?? context.idOf('turns', legacyId);
}

/** The id of the task that a thread belongs to, as far as the task came already. */
export function taskOfThread(
  reader: Reader,
  value: Record<string, unknown>,
  threadId: string,
  context: HomeContext,
): string | null {
  const legacyId = textOrNull(value, 'task_id');
  if (legacyId === null) return null;
  const known = reader.first<{ id: string }>(
    ['id'],
    'from tasks where id > ? and id < ? and thread_id = ?',
    [`${legacyId}~`, `${legacyId}~g`, threadId],
  );
  return known?.id ?? context.idOf('tasks', legacyId);
}

/** A turn came under an id of its own: its thread meant it, unless that has another one of that id. */
export function linkTurn(
  transaction: Transaction,
  threadId: string,
  legacyId: string,
  id: string,
): void {
  const sql = `select count(*) from runtime_threads where id = ? and latest_turn_id = ?
    and not exists (select 1 from runtime_turns where id = ? and thread_id = ?)`;
  if (transaction.number(sql, [threadId, legacyId, legacyId, threadId]) === 0) return;
  importChange(transaction, runtimeThreads, threadId, { latest_turn_id: id });
}

/** As {@link linkTurn}, of a task. */
export function linkTask(
  transaction: Transaction,
  threadId: string,
  legacyId: string,
  id: string,
): void {
  const sql = `select count(*) from runtime_threads where id = ? and task_id = ?
    and purged_at is null
    and not exists (select 1 from tasks where id = ? and thread_id = ?)`;
  if (transaction.number(sql, [threadId, legacyId, legacyId, threadId]) === 0) return;
  importChange(transaction, runtimeThreads, threadId, { task_id: id });
}

/** A task as it is kept: its turn is a part of its text and of no column. */
export function linkedTask(record: ImportRecord, context: HomeContext): ImportRecord {
  if (record.kind !== 'tasks') return record;
  const legacyId = textOrNull(record.value, 'turn_id');
  const id = legacyId === null ? null : context.idOf('turns', legacyId);
  if (id === legacyId) return record;
  return { ...record, raw: patchObject(record.raw, { turn_id: JSON.stringify(id) }) };
}
