import type { Reader } from '../../db/reader.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { taskCheck } from '../../legacy/check/task.ts';
import { readableRecord } from './readable-record.ts';
import type { KeptDocument } from './legacy-kept.ts';
import { plainFileName, taskId, withArtifactPaths } from './legacy-names.ts';
import { RecordPatch } from './record-patch.ts';
import { stopAskedAt } from '../../model/task.ts';
import { withMark } from '../../model/row-mark.ts';
import { recordText } from './record-text.ts';
import { writeRecord } from './write-record.ts';
import { tasks } from '../../model/registers.ts';

interface TaskRow {
  readonly id: string;
  readonly prompt: string;
  readonly status: string;
  readonly owner: string;
  readonly workspace: string;
  readonly model: string;
  readonly thread_id: string | null;
  readonly session_id: string | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

const TASK_COLUMNS = [
  'id',
  'prompt',
  'status',
  'owner',
  'workspace',
  'model',
  'thread_id',
  'session_id',
  'error',
  'created_at',
  'started_at',
  'ended_at',
] as const;

/** `tasks/tasks/<id>.json`. Queue places, owners and attempts are no part of the record. */
export async function writeTasks(context: ExportContext): Promise<void> {
  await countDeleted(context, 'tasks', 'tasks');
  const query: RowQuery<TaskRow> = {
    kind: 'tasks',
    columns: TASK_COLUMNS,
    from: `from tasks t where ${live('t')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const { id } = row;
    const file = { table: tasks, id, path: `tasks/tasks/${plainFileName(id)}.json` };
    writeRecord(context, reader, file, later, (body) => taskRecord(row, body));
    context.counter.add('tasks');
  });
}

const taskRecord = (row: TaskRow, body: string) =>
  readableRecord(body, 'id', taskCheck, (readable) => patchedTask(row, readable));

function patchedTask(row: TaskRow, body: string): RecordPatch {
  const task = new RecordPatch(withArtifactPaths(row.id, body));
  // Absent means true there, which nobody asked for in a task of the library.
  if (!task.has('id')) task.fallback('schema_version', '2').fallback('auto_approve', 'false');
  return task
    .task('id', row.id)
    .text('prompt', row.prompt)
    .text('model', row.model)
    .text('workspace', row.workspace)
    .fallback('mode', '"agent"')
    .fallback('allow_shell', 'false')
    .fallback('trust_mode', 'false')
    .text('status', row.status)
    .time('created_at', row.created_at)
    .time('started_at', row.started_at)
    .time('ended_at', stopAskedAt(row) === null ? row.ended_at : null)
    .text('error', row.error)
    .reference('thread_id', row.thread_id)
    .link('turn_id')
    .reference('owner_session_id', row.session_id)
    .fallback('tool_calls', '[]')
    .fallback('timeline', '[]');
}

/**
 * `queue.json`: the kept file while it leads to the order in which the tasks stand; else that order.
 */
export async function writeTaskQueue(
  context: ExportContext,
  kept: KeptDocument | undefined,
): Promise<void> {
  const queued = await context.read((reader) =>
    reader.list<{ id: string }>(
      ['id'],
      `from tasks t where status = 'queued' and ${live('t')} order by queued_at, id`,
    ),
  );
  const order = queued.map((task) => taskId(task.id));
  if (kept === undefined && order.length === 0) return;
  const queue = new RecordPatch(kept?.raw ?? '{}');
  const same = kept !== undefined && sameOrder(effectiveOrder(queue.value('queue'), order), order);
  if (!same) queue.setJson('queue', JSON.stringify(order));
  const was = { queue: queue.json('queue') ?? null };
  const mark = kept === undefined ? ({ made: true } as const) : { was };
  const raw = same ? queue.result() : withMark(queue.result(), mark);
  context.target.write('tasks/queue.json', recordText(raw), kept?.modifiedAt);
  context.counter.add('task_queue');
}

/** What the old program makes of the file at its start. */
function effectiveOrder(listed: unknown, queued: readonly string[]): string[] {
  const waiting = new Set(queued);
  const order = (Array.isArray(listed) ? (listed as unknown[]) : []).filter(
    (id): id is string => typeof id === 'string' && waiting.delete(id),
  );
  return [...order, ...[...waiting].sort()];
}

function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** As an export would have it; undefined where there is no such row. */
export function exportedTask(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<TaskRow>(TASK_COLUMNS, 'from tasks where id = ?', [id]);
  return row && taskRecord(row, bodyOf(reader, 'tasks', id));
}
