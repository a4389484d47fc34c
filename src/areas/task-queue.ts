import type { Row, Transaction } from '../db/transaction.ts';
import { workedOnAt } from '../db/worked-on.ts';
import { ConflictError } from '../errors.ts';
import { addDetails, editBody } from '../model/record-body.ts';
import { tasks as table } from '../model/registers.ts';
import { stopAskedAt, type taskFinishSchema } from '../model/task.ts';
import { formatTime } from '../model/time.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import type * as z from 'zod';
import { requireDevice } from './known-device.ts';
import { bodyOf } from './runtime-rows.ts';
import {
  bodyWithRequest,
  cutLeases,
  dropLease,
  indexTask,
  isUnderWay,
  leaseOf,
  needTask,
  queueTail,
  taskBody,
  taskDetails,
  writeLease,
  type TaskRow,
} from './task-rows.ts';

/** Details that tell of one attempt and not of the next. */
const OF_ONE_ATTEMPT = { cancel_requested: null, terminal_reason: null, result_summary: null };

const STOPPED = 'Interrupted: the worker stopped';

/** Takes the head of this device's queue for a worker; undefined when the queue is empty. */
export function claimTask(
  transaction: Transaction,
  worker: string,
  leaseMs: number,
): string | undefined {
  const [head] = transaction.rows(
    `select id from tasks where owner = ? and status = 'queued' and deleted_at is null
       and prompt_version <> '' and details_version <> ''
     order by queued_at, id limit 1`,
    [transaction.device],
  );
  if (!head) return undefined;
  const id = head[0] as string;
  const now = transaction.now();
  setLifecycle(transaction, id, { status: 'running', started_at: now, ended_at: null });
  writeLease(transaction, [id, worker, now + leaseMs]);
  return id;
}

/** @throws `ConflictError` the task does not run, or another worker or device has it */
export function requireLease(transaction: Transaction, id: string, worker: string): void {
  const task = needTask(transaction, id);
  if (task.status !== 'running') {
    throw new ConflictError(`the task ${id} is not running: it is ${task.status}`);
  }
  // A lease of this device outlives that the task was handed over, and runs elsewhere.
  if (task.owner !== transaction.device || leaseOf(transaction, id) !== worker) {
    throw new ConflictError(`the worker no longer has the task ${id}`);
  }
}

export function cancelRequested(transaction: Transaction, id: string): boolean {
  return taskDetails(transaction, id)['cancel_requested'] !== undefined;
}

export function finishTask(
  transaction: Transaction,
  id: string,
  finish: z.output<typeof taskFinishSchema>,
): void {
  requireLease(transaction, id, finish.owner);
  const canceled = finish.status === 'completed' && cancelRequested(transaction, id);
  const status = canceled ? 'canceled' : finish.status;
  const body = editBody(addDetails(bodyWithRequest(transaction, id), finish.details), {
    result_summary: finish.summary,
    terminal_reason: status,
  });
  end(transaction, id, status, finish.error ?? null, body);
}

/** Ends a queued task, asks the worker of a running one to stop, and leaves a finished one alone. */
export function cancelTask(transaction: Transaction, id: string): void {
  const { status, owner } = needTask(transaction, id);
  if (!isUnderWay(status)) return;
  const body = bodyOf(transaction, 'tasks', id);
  if (status === 'queued') {
    end(transaction, id, 'canceled', null, editBody(body, { terminal_reason: 'canceled' }));
    return;
  }
  if (cancelRequested(transaction, id)) return;
  const now = transaction.now();
  if (owner !== IMPORT_DEVICE) setLifecycle(transaction, id, { ended_at: now });
  // What earlier versions look at. What the worker says of its work meanwhile holds over this copy.
  const asked = editBody(body, { cancel_requested: formatTime(now) });
  transaction.carryOn(table, id, taskBody(transaction, status, asked));
}

/** @throws `ConflictError` the task has not ended */
export function retryTask(transaction: Transaction, id: string): void {
  const task = needTask(transaction, id);
  if (isUnderWay(task.status)) {
    throw new ConflictError(`the task ${id} has not ended: it is ${task.status}`);
  }
  if (task.deleted_at !== null) {
    throw new ConflictError(`the task ${id} is deleted; restore it first`);
  }
  // Nobody claims imported work; who asks for it to run again wants it to run here.
  queueAgain(transaction, task, task.owner === IMPORT_DEVICE ? transaction.device : task.owner);
}

/**
 * @param lost - also where the task runs: its device will not end it
 * @throws `ConflictError` it is running, or runs on this device, which is not lost
 */
export function handOverTask(
  transaction: Transaction,
  id: string,
  device: string,
  lost: boolean,
): void {
  const task = needTask(transaction, id);
  const running = task.status === 'running';
  if (running && (!lost || task.owner === transaction.device)) {
    throw new ConflictError(`the task ${id} is running`);
  }
  requireDevice(transaction, device);
  if (!running) {
    // Above a late word of the former owner's at this attempt.
    setLifecycle(transaction, id, { owner: device, attempt: task.attempt + 1 });
    return;
  }
  queueAgain(transaction, task, device);
}

function queueAgain(transaction: Transaction, task: TaskRow, owner: string): void {
  const { id } = task;
  setLifecycle(transaction, id, {
    status: 'queued',
    attempt: task.attempt + 1,
    started_at: null,
    ended_at: null,
    error: null,
    owner,
    queued_at: queueTail(transaction, owner),
    ...taskBody(transaction, 'queued', editBody(bodyOf(transaction, 'tasks', id), OF_ONE_ATTEMPT)),
  });
  indexTask(transaction, id);
}

/** Fails running tasks whose worker has gone; returns their ids. */
export function recoverTasks(transaction: Transaction, imported: boolean): string[] {
  cutLeases(transaction);
  const stopped = transaction.rows(
    `select t.id from tasks t left join task_leases l on l.task_id = t.id
     where t.status = 'running' and t.owner = ? and t.purged_at is null
     and (l.expires_at is null or l.expires_at <= ?)`,
    [transaction.device, transaction.now()],
  );
  const left = imported
    ? transaction.rows(
        `select id from tasks where status = 'running' and owner = ? and purged_at is null`,
        [IMPORT_DEVICE],
      )
    : [];
  return [...stopped, ...left].map((row) => {
    const id = row[0] as string;
    const body = editBody(bodyWithRequest(transaction, id), { terminal_reason: 'failed' });
    end(transaction, id, 'failed', STOPPED, body, { owner: transaction.device });
    return id;
  });
}

function end(
  transaction: Transaction,
  id: string,
  status: string,
  error: string | null,
  body: string,
  more: Row = {},
): void {
  const ended = { status, error, ended_at: transaction.now(), ...more };
  setLifecycle(transaction, id, { ...ended, ...taskBody(transaction, status, body) });
  dropLease(transaction, id);
  indexTask(transaction, id);
}

/** Changes a task and what is derived of its times. */
function setLifecycle(transaction: Transaction, id: string, changes: Row): void {
  const next: TaskRow = { ...needTask(transaction, id), ...changes };
  const { attempt, queued_at: queuedAt, created_at: createdAt } = next;
  // As a sync derives it of the same columns: what is queued once more was worked on then.
  const queuedAgain = attempt > 1 ? queuedAt : 0;
  const endedAt = stopAskedAt(next) === null ? (next.ended_at ?? 0) : 0;
  const updatedAt = Math.max(createdAt, queuedAgain, next.started_at ?? 0, endedAt);
  transaction.update(table, id, {
    ...changes,
    updated_at: workedOnAt(updatedAt, transaction.now()),
  });
}
