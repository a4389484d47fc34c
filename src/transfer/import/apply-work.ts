import { storeBody } from '../../db/bodies.ts';
import { noteForSearch } from '../../db/import-row.ts';
import type { Row } from '../../db/transaction.ts';
import { automationRuns, automations, tasks, triggers } from '../../model/registers.ts';
import { keepRecord } from './apply-kept.ts';
import { storeRecordText } from './large-parts.ts';
import { linkTask } from './link-clashes.ts';
import {
  formerly,
  requiredTime,
  text,
  textOrNull,
  time,
  type Apply,
  type Columns,
} from './record.ts';
import { takeRow } from './take-row.ts';

/** Imported work belongs to no device until somebody takes it over: two machines would run it twice. */
const OWNER = 'import';

export const applyTask: Apply = (transaction, record, context) => {
  const { value } = record;
  const { id, legacy_id: legacyId } = context.rowIdOf(record);
  const threadId = storedId(textOrNull(value, 'thread_id'), 'threads', context);
  if (legacyId !== null && threadId !== null) linkTask(transaction, threadId, legacyId, id);
  const createdAt = requiredTime(value, 'created_at');
  const endedAt = time(value, 'ended_at') ?? 0;
  // The place that the queue gave it, which no task file knows.
  const held = transaction.first<{ queued_at: number }>(['queued_at'], 'from tasks where id = ?', [
    id,
  ]);
  const updatedAt = Math.max(createdAt, time(value, 'started_at') ?? 0, endedAt);
  const columns: Columns = (said) => ({
    prompt: text(said, 'prompt'),
    status: text(said, 'status'),
    workspace: text(said, 'workspace'),
    model: text(said, 'model'),
    thread_id: storedId(textOrNull(said, 'thread_id'), 'threads', context),
    session_id: textOrNull(said, 'owner_session_id'),
    error: textOrNull(said, 'error'),
    created_at: requiredTime(said, 'created_at'),
    started_at: time(said, 'started_at'),
    ended_at: time(said, 'ended_at'),
    archived_at: null,
  });
  const outcome = takeRow(
    transaction,
    { record, context },
    tasks,
    {
      id,
      ...columns(value),
      attempt: 1,
      owner: OWNER,
      queued_at: held?.queued_at ?? createdAt,
      deleted_at: null,
      updated_at: updatedAt,
      ...storeRecordText(transaction, record, record.raw),
    },
    updatedAt,
    formerly(columns),
  );
  noteForSearch(transaction, outcome, { kind: 'task', refId: id, ownerId: id, at: updatedAt });
  return outcome;
};

/**
 * The run order. Ids that are no queued task are skipped, queued tasks that it lacks follow by id,
 * as the old program does at its start; the file itself is kept as it was.
 */
export const applyTaskQueue: Apply = (transaction, record, context) => {
  const isMade = record.mark?.made === true;
  const outcome = isMade ? 'updated' : keepRecord(transaction, record, context, 'kept');
  if (outcome === 'unchanged') return outcome;
  const queued = transaction.list<{ id: string; created_at: number }>(
    ['id', 'created_at'],
    `from tasks where status = 'queued' and owner = '${OWNER}' and deleted_at is null
     order by ${isMade ? 'queued_at, ' : ''}id`,
  );
  const waiting = new Map(queued.map((task) => [task.id, task]));
  const order: typeof queued = [];
  for (const id of record.value['queue'] as string[]) {
    const task = waiting.get(context.idOf('tasks', id));
    if (!task) continue;
    order.push(task);
    waiting.delete(task.id);
  }
  order.push(...waiting.values());
  // The export of this very store, or one that came in already.
  if (isMade && order.every((task, i) => task === queued[i])) return 'unchanged';
  // Small numbers: imported work stands before everything that is queued later.
  order.forEach((task, i) => {
    const version = { ms: task.created_at, device: OWNER, successor: true };
    transaction.update(tasks, task.id, { queued_at: i }, version);
  });
  return outcome;
};

export const applyAutomation: Apply = (transaction, record, context) => {
  const { value } = record;
  const updatedAt = requiredTime(value, 'updated_at');
  const now = automationColumns(value);
  const before: Columns = (former) => {
    const said = automationColumns(former);
    // The next time follows from these two, here as there.
    const isSame = said['rule'] === now['rule'] && said['status'] === now['status'];
    return isSame ? { ...said, next_run_at: now['next_run_at'] as Row[string] } : said;
  };
  return takeRow(
    transaction,
    { record, context },
    automations,
    {
      id: text(value, 'id'),
      ...now,
      updated_at: updatedAt,
      deleted_at: null,
      ...storeBody(transaction, record.raw),
    },
    updatedAt,
    formerly(before),
  );
};

const automationColumns: Columns = (value) => ({
  name: text(value, 'name'),
  prompt: text(value, 'prompt'),
  rule: text(value, 'rrule'),
  status: text(value, 'status'),
  catch_up: 'once',
  owner: OWNER,
  next_run_at: time(value, 'next_run_at'),
  last_run_at: time(value, 'last_run_at'),
  created_at: requiredTime(value, 'created_at'),
});

export const applyRun: Apply = (transaction, record, context) => {
  const { value } = record;
  const id = text(value, 'id');
  const automationId = text(value, 'automation_id');
  const slot = requiredTime(value, 'scheduled_for');
  const createdAt = requiredTime(value, 'created_at');
  const startedAt = time(value, 'started_at');
  const endedAt = time(value, 'ended_at');
  const taken = transaction.number(
    'select count(*) from automation_runs where automation_id = ? and slot = ? and id <> ?',
    [automationId, slot, id],
  );
  return takeRow(
    transaction,
    { record, context },
    automationRuns,
    {
      id,
      automation_id: automationId,
      // The old program could run a slot twice; the time itself stays in the body.
      slot: taken > 0 ? null : slot,
      status: text(value, 'status'),
      attempt: 1,
      task_id: storedId(textOrNull(value, 'task_id'), 'tasks', context),
      error: textOrNull(value, 'error'),
      created_at: createdAt,
      started_at: startedAt,
      ended_at: endedAt,
      deleted_at: null,
      ...storeBody(transaction, record.raw),
    },
    endedAt ?? startedAt ?? createdAt,
  );
};

export const applyTrigger: Apply = (transaction, record, context) => {
  const { value } = record;
  const createdAt = requiredTime(value, 'created_at');
  const firedAt = time(value, 'fired_at');
  return takeRow(
    transaction,
    { record, context },
    triggers,
    {
      id: text(value, 'trigger_id'),
      fire_at: requiredTime(value, 'fire_at'),
      message: text(value, 'message'),
      workspace: textOrNull(value, 'workspace'),
      owner_session_id: textOrNull(value, 'owner_session_id'),
      status: text(value, 'status'),
      attempt: 1,
      fired_at: firedAt,
      task_id: storedId(textOrNull(value, 'task_id'), 'tasks', context),
      thread_id: storedId(textOrNull(value, 'thread_id'), 'threads', context),
      error: textOrNull(value, 'error'),
      created_at: createdAt,
      ...storeBody(transaction, record.raw),
    },
    firedAt ?? createdAt,
  );
};

function storedId(id: string | null, kind: string, context: Parameters<Apply>[2]): string | null {
  return id === null ? null : context.idOf(kind, id);
}
