import type * as z from 'zod';
import { ConflictError } from '../errors.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { workedOnAt } from '../db/worked-on.ts';
import { editBody, replaceDetails } from '../model/record-body.ts';
import { tasks as table } from '../model/registers.ts';
import { recoverSchema, type RecoverOptions } from '../model/runtime.ts';
import * as schema from '../model/task.ts';
import type {
  Task,
  TaskClaim,
  TaskCounts,
  TaskCreate,
  TaskFinish,
  TaskHandOver,
  TaskHeartbeat,
  TaskLease,
  TaskListOptions,
  TaskSummary,
  TaskUpdate,
} from '../model/task.ts';
import { formatTime } from '../model/time.ts';
import { idSchema, knownIdSchema, validate } from '../model/validate.ts';
import { newId } from './new-id.ts';
import { between, hasCome, readPage, type Condition, type Listing, type Page } from './page.ts';
import { RESTORABLE } from './purged.ts';
import type { Runner } from './runner.ts';
import {
  cancelRequested,
  cancelTask,
  claimTask,
  finishTask,
  handOverTask,
  recoverTasks,
  requireLease,
  retryTask,
} from './task-queue.ts';
import {
  TASK_COLUMNS,
  bodyWithRequest,
  findTask,
  indexTask,
  needTask,
  queueTail,
  readTask,
  requestIn,
  taskBody,
  toTask,
  writeLease,
  type TaskRow,
} from './task-rows.ts';

/**
 * Work in the background and its queue. A task is claimed by the workers of one device, its owner,
 * each task by one of them. Every method rejects with a `StoreError`.
 */
export class Tasks {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Queues a task behind those of this device. @throws `ConflictError` the id is taken */
  async create(input: TaskCreate): Promise<Task> {
    const task = validate(schema.taskCreateSchema, input, 'task');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const id = task.id ?? newId('task', now);
      if (findTask(transaction, id)) throw new ConflictError(`the task ${id} exists already`);
      const owner = transaction.device;
      const createdAt = task.createdAt ?? now;
      transaction.insert(table, {
        id,
        prompt: task.prompt,
        status: 'queued',
        attempt: 1,
        owner,
        queued_at: queueTail(transaction, owner),
        workspace: task.workspace,
        model: task.model,
        thread_id: task.threadId,
        session_id: task.sessionId,
        error: null,
        created_at: createdAt,
        started_at: null,
        ended_at: null,
        archived_at: null,
        deleted_at: null,
        updated_at: workedOnAt(createdAt, now),
        ...taskBody(transaction, 'queued', JSON.stringify(task.details)),
      });
      indexTask(transaction, id);
      return readTask(transaction, id);
    });
  }

  /** @throws `NotFoundError` also of a purged one; a deleted one is found, with `deletedAt` set */
  async get(id: string): Promise<Task> {
    validate(knownIdSchema, id, 'task id');
    return this.#runner.read((reader) => readTask(reader, id));
  }

  /** Newest first by `updatedAt`, to which `since` and `until` apply. */
  async list(options: TaskListOptions = {}): Promise<Page<TaskSummary>> {
    const query = validate(schema.taskListSchema, options, 'task list');
    return this.#runner.read((reader) => {
      const page = readPage<TaskRow>(reader, taskListing(query));
      return { ...page, items: page.items.map(toTask) };
    });
  }

  /** How many tasks there are in each status, deleted ones apart. */
  async counts(): Promise<TaskCounts> {
    const counts = schema.taskStatusSchema.options.map(
      (status) =>
        `select '${status}' as status, count(*) as count from tasks
         where deleted_at is null and status = '${status}'`,
    );
    return this.#runner.read((reader) => {
      const rows = reader.list<{ status: string; count: number }>(
        ['status', 'count'],
        `from (${counts.join(' union all ')})`,
      );
      return Object.fromEntries(rows.map((row) => [row.status, row.count])) as TaskCounts;
    });
  }

  /** Changes the fields that are given. New details leave a request to cancel a running task as it is. */
  async update(id: string, input: TaskUpdate): Promise<Task> {
    const update = validate(schema.taskUpdateSchema, input, 'task');
    return this.#change(id, (transaction, old) => {
      const changes: Row = {};
      if (update.prompt !== undefined) changes['prompt'] = update.prompt;
      if (update.workspace !== undefined) changes['workspace'] = update.workspace;
      if (update.model !== undefined) changes['model'] = update.model;
      if (update.threadId !== undefined) changes['thread_id'] = update.threadId;
      if (update.sessionId !== undefined) changes['session_id'] = update.sessionId;
      if (!update.details) return changes;
      const body = bodyWithRequest(transaction, id);
      const replaced = replaceDetails(body, schema.TASK_FIELDS, update.details);
      const asked = old.status === 'running' ? { cancel_requested: requestIn(body) } : {};
      return { ...changes, ...taskBody(transaction, old.status, editBody(replaced, asked)) };
    });
  }

  /**
   * Takes the head of this device's queue and starts it, for one worker alone, whatever other
   * processes do at the same time.
   *
   * @returns null when nothing is queued
   */
  async claim(input: TaskClaim): Promise<Task | null> {
    const { owner, leaseMs } = validate(schema.taskClaimSchema, input, 'claim');
    return this.#runner.write((transaction) => {
      const id = claimTask(transaction, owner, leaseMs);
      return id === undefined ? null : readTask(transaction, id);
    });
  }

  /**
   * Tells that a worker is alive, and the worker whether it is to stop.
   *
   * @throws `ConflictError` the worker no longer has the task
   */
  async heartbeat(input: TaskHeartbeat): Promise<TaskLease> {
    const { id, owner, leaseMs } = validate(schema.taskHeartbeatSchema, input, 'heartbeat');
    return this.#runner.write((transaction) => {
      requireLease(transaction, id, owner);
      const expiresAt = transaction.now() + leaseMs;
      writeLease(transaction, [id, owner, expiresAt]);
      const cancel = cancelRequested(transaction, id);
      return { id, owner, expiresAt: formatTime(expiresAt), cancelRequested: cancel };
    });
  }

  /**
   * Ends a running task. One that was to be canceled does not become `completed` but `canceled`.
   *
   * @throws `ConflictError` the worker no longer has the task
   */
  async finish(id: string, input: TaskFinish): Promise<Task> {
    const finish = validate(schema.taskFinishSchema, input, 'finish');
    return this.#run(id, (transaction) => {
      finishTask(transaction, id, finish);
    });
  }

  /**
   * Ends a queued task at once; of a running one it asks the worker to stop (the detail
   * `cancel_requested`), for as long as this attempt runs; a finished one stays as it is.
   */
  async cancel(id: string): Promise<Task> {
    return this.#run(id, (transaction) => {
      cancelTask(transaction, id);
    });
  }

  /** Queues a task that has ended once more. @throws `ConflictError` it has not ended */
  async retry(id: string): Promise<Task> {
    return this.#run(id, (transaction) => {
      retryTask(transaction, id);
    });
  }

  /**
   * Lets another device claim the task. Any device may say so, also of itself and of work that is not
   * its own: so the work of one that is lost goes on. One that is only away may have begun it meanwhile;
   * then both run it, and what the new owner says of it counts.
   *
   * @throws `ConflictError` it is running; with `lost`, only where it runs on this very device; or the
   *   other device was revoked
   * @throws `NotFoundError` also where the last exchange told of no such device
   */
  async handOver(id: string, device: string, options: TaskHandOver = {}): Promise<Task> {
    validate(idSchema, device, 'device id');
    const { lost } = validate(schema.taskHandOverSchema, options, 'hand over');
    return this.#run(id, (transaction) => {
      handOverTask(transaction, id, device, lost);
    });
  }

  async archive(id: string): Promise<Task> {
    return this.#change(id, (transaction, old) => ({
      archived_at: old.archived_at ?? transaction.now(),
    }));
  }

  async unarchive(id: string): Promise<Task> {
    return this.#change(id, () => ({ archived_at: null }));
  }

  /** Hides the task and takes it out of the queue; `restore` brings it back. */
  async delete(id: string): Promise<Task> {
    return this.#change(id, (transaction, old) => ({
      deleted_at: old.deleted_at ?? transaction.now(),
    }));
  }

  async restore(id: string): Promise<Task> {
    return this.#change(id, () => ({ deleted_at: null }));
  }

  /**
   * Fails the running tasks of this device whose worker has been silent for longer than it may:
   * they are not run twice. Those of other devices are left.
   *
   * @returns the ids of the tasks; each is recovered exactly once
   */
  async recover(options: RecoverOptions = {}): Promise<string[]> {
    const { imported } = validate(recoverSchema, options, 'recover');
    return this.#runner.write((transaction) => recoverTasks(transaction, imported));
  }

  async #run(id: string, job: (transaction: Transaction) => void): Promise<Task> {
    validate(knownIdSchema, id, 'task id');
    return this.#runner.write((transaction) => {
      job(transaction);
      return readTask(transaction, id);
    });
  }

  async #change(
    id: string,
    changes: (transaction: Transaction, old: TaskRow) => Row,
  ): Promise<Task> {
    return this.#run(id, (transaction) => {
      const old = needTask(transaction, id);
      const changed = transaction.update(table, id, changes(transaction, old));
      const visible = ['prompt', 'details'];
      if (changed.some((register) => visible.includes(register))) indexTask(transaction, id);
    });
  }
}

function taskListing(query: z.output<typeof schema.taskListSchema>): Listing {
  const deleted = query.deleted ? RESTORABLE : 'deleted_at is null';
  // Without its prompt a task is nothing that could be done.
  const whole = [{ sql: deleted }, hasCome(table), hasCome(table, 'prompt')];
  const where: Condition[] = [...whole, ...between('updated_at', query.since, query.until)];
  if (query.workspace !== undefined)
    where.push({ sql: 'workspace = ?', params: [query.workspace] });
  if (!query.deleted && query.archived !== 'include') {
    where.push({ sql: `archived_at is ${query.archived === 'only' ? 'not null' : 'null'}` });
  }
  // One arm each status: SQLite merges them in the order of the index, where for `status in (…)` it
  // would sort everything. The words come from the schema, not from the caller.
  const arms = [...new Set(query.status)].map(
    (status) => `select * from tasks where ${deleted} and status = '${status}'`,
  );
  return {
    table: arms.length > 0 ? `(${arms.join(' union all ')})` : 'tasks',
    columns: TASK_COLUMNS,
    where,
    sort: 'updated_at',
    descending: true,
    limit: query.limit,
    cursor: query.cursor,
  };
}
