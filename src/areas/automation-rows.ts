import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import * as model from '../model/automation.ts';
import type {
  Automation,
  AutomationRun,
  AutomationRunSummary,
  AutomationSummary,
} from '../model/automation.ts';
import { detailsOf, membersOf, replaceDetails } from '../model/record-body.ts';
import { formatTime } from '../model/time.ts';
import { knownWord } from './fields.ts';
import { found } from './page.ts';
import { refusePurged } from './purged.ts';

const BODY = ['body', 'body_hash'] as const;

export const AUTOMATION_COLUMNS = [
  'id',
  'name',
  'prompt',
  'rule',
  'status',
  'catch_up',
  'owner',
  'next_run_at',
  'last_run_at',
  'created_at',
  'updated_at',
  'deleted_at',
  'device',
] as const;

export interface AutomationRow {
  readonly id: string;
  readonly name: string;
  readonly prompt: string;
  readonly rule: string;
  readonly status: string;
  readonly catch_up: string;
  readonly owner: string;
  readonly next_run_at: number | null;
  readonly last_run_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly device: string;
}

export const RUN_COLUMNS = [
  'id',
  'automation_id',
  'slot',
  'status',
  'attempt',
  'task_id',
  'error',
  'created_at',
  'started_at',
  'ended_at',
  'device',
] as const;

export interface RunRow {
  readonly id: string;
  readonly automation_id: string;
  readonly slot: number | null;
  readonly status: string;
  readonly attempt: number;
  readonly task_id: string | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly device: string;
}

export function catchUpOf(row: AutomationRow): AutomationSummary['catchUp'] {
  return knownWord(model.catchUpSchema.options, row.catch_up, 'once');
}

export function toAutomation(row: AutomationRow): AutomationSummary {
  return {
    id: row.id,
    name: row.name,
    prompt: row.prompt,
    rule: row.rule,
    status: knownWord(model.automationStatusSchema.options, row.status, 'paused'),
    catchUp: catchUpOf(row),
    owner: row.owner,
    nextRunAt: formatTime(row.next_run_at),
    lastRunAt: formatTime(row.last_run_at),
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    deletedAt: formatTime(row.deleted_at),
    device: row.device,
  };
}

export function findAutomation(reader: Reader, id: string): AutomationRow | undefined {
  return reader.first<AutomationRow>(AUTOMATION_COLUMNS, 'from automations where id = ?', [id]);
}

/** @throws `NotFoundError` */
export function needAutomation(reader: Reader, id: string): AutomationRow {
  return found(findAutomation(reader, id), 'automation', id);
}

/** @throws `NotFoundError` also for one that was deleted */
export function liveAutomation(reader: Reader, id: string): AutomationRow {
  const row = findAutomation(reader, id);
  return found(row?.deleted_at === null ? row : undefined, 'automation', id);
}

export function readAutomation(reader: Reader, id: string): Automation {
  refusePurged(reader, 'automations', id);
  const row = needAutomation(reader, id);
  const body = bodyOf(reader, 'automations', id);
  return { ...toAutomation(row), details: detailsOf(body, model.AUTOMATION_FIELDS) };
}

export function toRun(row: RunRow): AutomationRunSummary {
  return {
    id: row.id,
    automationId: row.automation_id,
    slot: formatTime(row.slot),
    status: row.status,
    attempt: row.attempt,
    taskId: row.task_id,
    error: row.error,
    createdAt: formatTime(row.created_at),
    startedAt: formatTime(row.started_at),
    endedAt: formatTime(row.ended_at),
    device: row.device,
  };
}

/** @throws `NotFoundError` */
export function needRun(reader: Reader, id: string): RunRow {
  const rest = 'from automation_runs where id = ? and deleted_at is null';
  return found(reader.first<RunRow>(RUN_COLUMNS, rest, [id]), 'automation run', id);
}

export function readRun(reader: Reader, id: string): AutomationRun {
  const row = needRun(reader, id);
  const body = bodyOf(reader, 'automation_runs', id);
  const asked = new Map(membersOf(body)).get('scheduled_for');
  return {
    ...toRun(row),
    scheduledFor: formatTime(row.slot) ?? (typeof asked === 'string' ? asked : null),
    details: detailsOf(body, model.AUTOMATION_RUN_FIELDS),
  };
}

/** The body of a record that is there, as JSON text. */
export function bodyOf(
  reader: Reader,
  table: 'automations' | 'automation_runs',
  id: string,
): string {
  const row = reader.first<BodyColumns>(BODY, `from ${table} where id = ?`, [id]);
  return row ? loadBody(reader, row) : '{}';
}

/** The columns of an automation's body with other details. */
export function newBody(
  transaction: Transaction,
  id: string,
  details: Record<string, unknown>,
): Row {
  const body = bodyOf(transaction, 'automations', id);
  return { ...storeBody(transaction, replaceDetails(body, model.AUTOMATION_FIELDS, details)) };
}
