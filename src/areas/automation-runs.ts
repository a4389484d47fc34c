import { storeBody } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { ConflictError } from '../errors.ts';
import type {
  AutomationRunSummary,
  CheckedAutomationRun,
  automationRunListSchema,
} from '../model/automation.ts';
import { automationRuns, automations } from '../model/registers.ts';
import { formatTime } from '../model/time.ts';
import type * as z from 'zod';
import { RUN_COLUMNS, liveAutomation, needRun, toRun, type RunRow } from './automation-rows.ts';
import { advancePast } from './automation-schedule.ts';
import { newUlid } from './new-id.ts';
import { readPage, type Page } from './page.ts';

/** Adds the run of a slot and moves the automation past it. @throws `ConflictError` */
export function recordSlot(
  transaction: Transaction,
  automationId: string,
  slot: number,
  run: CheckedAutomationRun,
): string {
  const automation = liveAutomation(transaction, automationId);
  if (hasRun(transaction, automationId, slot)) {
    throw new ConflictError(`the automation ${automationId} ran for ${formatTime(slot)} already`);
  }
  if (automation.owner !== transaction.device) {
    throw new ConflictError(`the automation ${automationId} belongs to another device`);
  }
  if (automation.status !== 'active') {
    throw new ConflictError(`the automation ${automationId} is ${automation.status}`);
  }
  advancePast(transaction, automation, slot);
  return insertRun(transaction, automationId, slot, run);
}

function hasRun(reader: Reader, automationId: string, slot: number): boolean {
  const sql = 'select count(*) from automation_runs where automation_id = ? and slot = ?';
  return reader.number(sql, [automationId, slot]) > 0;
}

/** @param slot - null for a run by hand, which keeps its time in the body */
export function insertRun(
  transaction: Transaction,
  automationId: string,
  slot: number | null,
  run: CheckedAutomationRun,
): string {
  const now = transaction.now();
  const id = newUlid(now);
  const scheduledFor = slot === null ? { scheduled_for: formatTime(now) } : {};
  transaction.insert(automationRuns, {
    id,
    automation_id: automationId,
    slot,
    status: run.status,
    attempt: 1,
    task_id: run.taskId,
    error: null,
    created_at: now,
    started_at: run.status === 'running' ? now : null,
    ended_at: null,
    deleted_at: null,
    ...storeBody(transaction, JSON.stringify({ ...scheduledFor, ...run.details })),
  });
  return id;
}

export interface RunEnd {
  readonly status: string;
  readonly error: string | null;
  readonly taskId: string | null | undefined;
  readonly startedAt?: number | null;
  readonly endedAt: number;
}

/** Ends a run, and notes it in its automation. @throws `ConflictError` it has ended */
export function endRun(transaction: Transaction, id: string, end: RunEnd): void {
  const run = needRun(transaction, id);
  if (run.status !== 'queued' && run.status !== 'running') {
    throw new ConflictError(`the run ${id} has ended: it is ${run.status}`);
  }
  transaction.update(automationRuns, id, {
    status: end.status,
    error: end.error,
    task_id: end.taskId === undefined ? run.task_id : end.taskId,
    started_at: run.started_at ?? end.startedAt ?? null,
    ended_at: end.endedAt,
  });
  const last = transaction.number('select last_run_at from automations where id = ?', [
    run.automation_id,
  ]);
  transaction.update(automations, run.automation_id, { last_run_at: Math.max(last, end.endedAt) });
}

interface TaskState {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

const OF_TASK = ['status', 'error', 'started_at', 'ended_at'].map((name) => `t.${name} as ${name}`);

/** Gives open runs the state that their task has by now; returns the ids of those that changed. */
export function reconcileRuns(transaction: Transaction): string[] {
  const states = transaction.list<TaskState>(
    ['r.id as id', ...OF_TASK],
    `from automation_runs r cross join tasks t on t.id = r.task_id
     where r.status in ('queued', 'running') and r.deleted_at is null
     and t.status in ('running', 'completed', 'failed', 'canceled') and t.status <> r.status`,
  );
  for (const { id, status, error, started_at: startedAt, ended_at: endedAt } of states) {
    if (status === 'running') {
      transaction.update(automationRuns, id, { status, started_at: startedAt });
      continue;
    }
    const now = transaction.now();
    endRun(transaction, id, {
      status,
      error,
      taskId: undefined,
      startedAt,
      endedAt: endedAt ?? now,
    });
  }
  return states.map((state) => state.id);
}

/** Newest first. */
export function listRuns(
  reader: Reader,
  automationId: string,
  query: z.output<typeof automationRunListSchema>,
): Page<AutomationRunSummary> {
  const page = readPage<RunRow>(reader, {
    table: 'automation_runs',
    columns: RUN_COLUMNS,
    where: [{ sql: 'automation_id = ?', params: [automationId] }, { sql: 'deleted_at is null' }],
    sort: 'created_at',
    descending: true,
    ...query,
  });
  return { ...page, items: page.items.map(toRun) };
}
