import { storeBody } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import type { Reader } from '../db/reader.ts';
import { indexDoc } from '../db/search-index.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { plainText } from '../model/message-text.ts';
import { detailsOf, editBody, membersOf } from '../model/record-body.ts';
import {
  LEASE_MS_MAX,
  stopAskedAt,
  TASK_FIELDS,
  type Task,
  type TaskSummary,
} from '../model/task.ts';
import { formatTime } from '../model/time.ts';
import { found } from './page.ts';
import { refusePurged } from './purged.ts';
import { bodyOf } from './runtime-rows.ts';

export const TASK_COLUMNS = [
  'id',
  'prompt',
  'status',
  'attempt',
  'created_at',
  'updated_at',
  'started_at',
  'ended_at',
  'queued_at',
  'error',
  'workspace',
  'model',
  'thread_id',
  'session_id',
  'owner',
  'archived_at',
  'deleted_at',
  'device',
] as const;

export interface TaskRow {
  readonly id: string;
  readonly prompt: string;
  readonly status: string;
  readonly attempt: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly queued_at: number;
  readonly error: string | null;
  readonly workspace: string;
  readonly model: string;
  readonly thread_id: string | null;
  readonly session_id: string | null;
  readonly owner: string;
  readonly archived_at: number | null;
  readonly deleted_at: number | null;
  readonly device: string;
}

export function toTask(row: TaskRow): TaskSummary {
  return {
    id: row.id,
    prompt: row.prompt,
    status: row.status,
    attempt: row.attempt,
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    startedAt: formatTime(row.started_at),
    endedAt: stopAskedAt(row) === null ? formatTime(row.ended_at) : null,
    error: row.error,
    workspace: row.workspace,
    model: row.model,
    threadId: row.thread_id,
    sessionId: row.session_id,
    owner: row.owner,
    archivedAt: formatTime(row.archived_at),
    deletedAt: formatTime(row.deleted_at),
    device: row.device,
  };
}

export function findTask(reader: Reader, id: string): TaskRow | undefined {
  return reader.first<TaskRow>(TASK_COLUMNS, 'from tasks where id = ?', [id]);
}

/** @throws `NotFoundError` */
export function needTask(reader: Reader, id: string): TaskRow {
  return found(findTask(reader, id), 'task', id);
}

/** @throws `NotFoundError` */
export function readTask(reader: Reader, id: string): Task {
  refusePurged(reader, 'tasks', id);
  const row = needTask(reader, id);
  return { ...toTask(row), details: taskDetails(reader, id) };
}

export function taskDetails(reader: Reader, id: string): Record<string, unknown> {
  return detailsOf(bodyWithRequest(reader, id), TASK_FIELDS);
}

/**
 * The body of a task, with the request to cancel that a report may have left out of it, and without one that
 * came late: to a run before this one.
 */
export function bodyWithRequest(reader: Reader, id: string): string {
  const body = bodyOf(reader, 'tasks', id);
  const task = needTask(reader, id);
  const askedAt = stopAskedAt(task);
  const told = requestIn(body);
  if (askedAt !== null && told === undefined) {
    return editBody(body, { cancel_requested: formatTime(askedAt) });
  }
  const isLate = askedAt === null && isOfFormerRun(task, told);
  return isLate ? editBody(body, { cancel_requested: null }) : body;
}

function isOfFormerRun({ status, started_at }: TaskRow, request: unknown): boolean {
  if (status !== 'running' || started_at === null || typeof request !== 'string') return false;
  return Date.parse(request) < started_at;
}

export function requestIn(body: string): unknown {
  return new Map(membersOf(body)).get('cancel_requested');
}

export function isUnderWay(status: string): boolean {
  return status === 'queued' || status === 'running';
}

/**
 * The columns of a task's body. While the task is under way it stays in the row, however large:
 * every save of it as a blob would leave the blob before behind.
 */
export function taskBody(transaction: Transaction, status: string, body: string): Row {
  return isUnderWay(status) ? { body, body_hash: null } : { ...storeBody(transaction, body) };
}

/** A place behind everything in the queue of a device. */
export function queueTail(transaction: Transaction, owner: string): number {
  const last = transaction.number(
    `select queued_at from tasks where owner = ? and status = 'queued' and deleted_at is null
     order by queued_at desc, id desc limit 1`,
    [owner],
  );
  return Math.max(transaction.now(), last + 1);
}

/** Puts the task into the search index as it stands; search itself leaves deleted ones out. */
export function indexTask(transaction: Transaction, id: string): void {
  const row = needTask(transaction, id);
  indexDoc(
    transaction,
    { kind: 'task', refId: id, ownerId: id, at: row.updated_at },
    plainText(row.prompt, taskDetails(transaction, id)['result_summary']),
  );
}

/** The worker that holds a task, if any does. */
export function leaseOf(reader: Reader, id: string): string | undefined {
  const lease = reader.first<{ worker: string }>(['worker'], 'from task_leases where task_id = ?', [
    id,
  ]);
  return lease?.worker;
}

export function writeLease(transaction: Transaction, lease: readonly Value[]): void {
  transaction.run(
    `insert into task_leases (task_id, worker, expires_at) values (?, ?, ?)
     on conflict (task_id) do update set worker = excluded.worker, expires_at = excluded.expires_at`,
    lease,
  );
}

/**
 * Cuts leases to their longest that were written before the clock was set back: a worker that lives renews
 * its own, and one that does not is not waited for until that time has come again.
 */
export function cutLeases(transaction: Transaction): void {
  transaction.run('update task_leases set expires_at = ?1 where expires_at > ?1', [
    transaction.now() + LEASE_MS_MAX,
  ]);
}

export function dropLease(transaction: Transaction, id: string): void {
  transaction.run('delete from task_leases where task_id = ?', [id]);
}
