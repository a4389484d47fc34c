import type { Reader } from '../../db/reader.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  ownedBy,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import {
  automationCheck,
  automationRunCheck,
  triggerCheck,
} from '../../legacy/check/automation.ts';
import { readableRecord } from './readable-record.ts';
import { fileStamp, plainFileName } from './legacy-names.ts';
import { RecordPatch } from './record-patch.ts';
import { writeRecord } from './write-record.ts';
import { automationRuns, automations, triggers } from '../../model/registers.ts';

const AUTOMATION_COLUMNS = [
  'id',
  'name',
  'prompt',
  'rule',
  'status',
  'catch_up',
  'next_run_at',
  'last_run_at',
  'created_at',
  'updated_at',
] as const;

const RUN_COLUMNS = [
  'id',
  'automation_id',
  'slot',
  'status',
  'task_id',
  'error',
  'created_at',
  'started_at',
  'ended_at',
] as const;

const TRIGGER_COLUMNS = [
  'id',
  'fire_at',
  'message',
  'workspace',
  'owner_session_id',
  'status',
  'fired_at',
  'task_id',
  'thread_id',
  'error',
  'created_at',
] as const;

interface AutomationRow {
  readonly id: string;
  readonly name: string;
  readonly prompt: string;
  readonly rule: string;
  readonly status: string;
  readonly catch_up: string;
  readonly next_run_at: number | null;
  readonly last_run_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
}

/** What a record without a word on missed slots stands for. */
const CATCH_UP = 'once';

/** `automations/automations/<id>.json`. What to do with missed slots is no part of the record. */
export async function writeAutomations(context: ExportContext): Promise<void> {
  await countDeleted(context, 'automations', 'automations');
  const query: RowQuery<AutomationRow> = {
    kind: 'automations',
    columns: AUTOMATION_COLUMNS,
    from: `from automations a where ${live('a')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const { id } = row;
    const file = {
      table: automations,
      id,
      path: `automations/automations/${plainFileName(id)}.json`,
    };
    writeRecord(context, reader, file, later, (body) => automationRecord(row, body));
    if (row.catch_up !== CATCH_UP) context.counter.skip('automations.catch_up', 'no_place');
    context.counter.add('automations');
  });
}

const automationRecord = (row: AutomationRow, body: string) =>
  readableRecord(body, 'id', automationCheck, (readable) => patchedAutomation(row, readable));

function patchedAutomation(row: AutomationRow, body: string): RecordPatch {
  const automation = new RecordPatch(body);
  if (!automation.has('id')) automation.fallback('schema_version', '1');
  return automation
    .text('id', row.id)
    .text('name', row.name)
    .text('prompt', row.prompt)
    .text('rrule', row.rule)
    .text('status', row.status)
    .time('created_at', row.created_at)
    .time('updated_at', row.updated_at)
    .time('next_run_at', row.next_run_at)
    .time('last_run_at', row.last_run_at);
}

interface RunRow {
  readonly id: string;
  readonly automation_id: string;
  readonly slot: number | null;
  readonly status: string;
  readonly task_id: string | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

/** `automations/runs/<automation>/<stamp>-<run>.json`. */
export async function writeRuns(context: ExportContext): Promise<void> {
  const query: RowQuery<RunRow> = {
    kind: 'automation_runs',
    columns: RUN_COLUMNS,
    from: `from automation_runs r
      where r.deleted_at is null and ${ownedBy('automations', 'r.automation_id')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const { id } = row;
    const name = `${fileStamp(row.created_at)}-${plainFileName(id)}.json`;
    const path = `automations/runs/${plainFileName(row.automation_id)}/${name}`;
    const file = { table: automationRuns, id, path };
    writeRecord(context, reader, file, later, (body) => runRecord(row, body));
    context.counter.add('automation_runs');
  });
}

const runRecord = (row: RunRow, body: string) =>
  readableRecord(body, 'id', automationRunCheck, (readable) => patchedRun(row, readable));

function patchedRun(row: RunRow, body: string): RecordPatch {
  const run = new RecordPatch(body);
  if (!run.has('id')) run.fallback('schema_version', '1');
  run.text('id', row.id).text('automation_id', row.automation_id);
  // No slot: asked for by hand, or a second run of one, whose time the record has itself.
  if (row.slot !== null || !run.has('scheduled_for')) {
    run.time('scheduled_for', row.slot ?? row.created_at);
  }
  return run
    .text('status', row.status)
    .time('created_at', row.created_at)
    .time('started_at', row.started_at)
    .time('ended_at', row.ended_at)
    .task('task_id', row.task_id)
    .text('error', row.error);
}

interface TriggerRow {
  readonly id: string;
  readonly fire_at: number;
  readonly message: string;
  readonly workspace: string | null;
  readonly owner_session_id: string | null;
  readonly status: string;
  readonly fired_at: number | null;
  readonly task_id: string | null;
  readonly thread_id: string | null;
  readonly error: string | null;
  readonly created_at: number;
}

/** `automations/triggers/<id>.json`. */
export async function writeTriggers(context: ExportContext): Promise<void> {
  const query: RowQuery<TriggerRow> = {
    kind: 'triggers',
    columns: TRIGGER_COLUMNS,
    from: 'from triggers where 1',
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const { id } = row;
    const file = { table: triggers, id, path: `automations/triggers/${plainFileName(id)}.json` };
    writeRecord(context, reader, file, later, (body) => triggerRecord(row, body));
    context.counter.add('triggers');
  });
}

const triggerRecord = (row: TriggerRow, body: string) =>
  readableRecord(body, 'trigger_id', triggerCheck, (readable) => patchedTrigger(row, readable));

function patchedTrigger(row: TriggerRow, body: string): RecordPatch {
  const trigger = new RecordPatch(body);
  if (!trigger.has('trigger_id')) trigger.fallback('schema_version', '1');
  return trigger
    .text('trigger_id', row.id)
    .time('fire_at', row.fire_at)
    .text('message', row.message)
    .text('workspace', row.workspace)
    .reference('owner_session_id', row.owner_session_id)
    .text('status', row.status)
    .time('created_at', row.created_at)
    .time('fired_at', row.fired_at)
    .task('task_id', row.task_id)
    .reference('thread_id', row.thread_id)
    .text('error', row.error);
}

/** As an export would have them; undefined where there is no such row. */
export function exportedAutomation(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<AutomationRow>(AUTOMATION_COLUMNS, 'from automations where id = ?', [
    id,
  ]);
  return row && automationRecord(row, bodyOf(reader, 'automations', id));
}

export function exportedRun(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<RunRow>(RUN_COLUMNS, 'from automation_runs where id = ?', [id]);
  return row && runRecord(row, bodyOf(reader, 'automation_runs', id));
}

export function exportedTrigger(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<TriggerRow>(TRIGGER_COLUMNS, 'from triggers where id = ?', [id]);
  return row && triggerRecord(row, bodyOf(reader, 'triggers', id));
}
