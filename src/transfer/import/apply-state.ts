import { storeBody } from '../../db/bodies.ts';
import { isOfRecord } from '../../db/imported-bodies.ts';
import { goals, jobs, threadCheckpoints, threads } from '../../model/registers.ts';
import { deviceOf, IMPORT_DEVICE } from '../../model/version.ts';
import { exactInteger, stateMessageId } from './apply-state-message.ts';
import {
  fileTime,
  formerly,
  seconds,
  text,
  textOrNull,
  type Apply,
  type Columns,
  type HomeContext,
  type ImportRecord,
} from './record.ts';
import { repeatedWords, takeRow } from './take-row.ts';

const THREAD_STATUS = new Set(['running', 'idle', 'completed', 'failed', 'paused', 'archived']);
const THREAD_SOURCE = new Set(['interactive', 'resume', 'fork', 'api', 'unknown']);
const JOB_STATUS = new Set(['queued', 'running', 'paused', 'completed', 'failed', 'cancelled']);
const PROGRESS_MAX = 255;

/** A row of `threads`. Unknown enum spellings are read as the old program reads them; the body keeps them. */
export const applyStateThread: Apply = (transaction, record, context) => {
  const { value } = record;
  const id = text(value, 'id');
  const updatedAt = seconds(value, 'updated_at') ?? 0;
  const tools = transaction.first<{ tools: string }>(['tools'], 'from threads where id = ?', [id]);
  const body = storeBody(transaction, record.raw);
  const outcome = takeRow(
    transaction,
    { record, context },
    threads,
    {
      id,
      ...threadColumns(value),
      deleted_at: null,
      updated_at: updatedAt,
      tools: tools?.tools ?? '[]',
      ...body,
    },
    updatedAt,
    formerly(threadColumns),
  );
  if (isOfRecord(transaction, threads, id, body)) {
    const toolsWord = repeatedWords(record, transaction.now())?.get('tools');
    context.stateThreads.set(id, { updatedAt, isNew: outcome !== 'unchanged', toolsWord });
  }
  const leaf = exactInteger(record.raw, 'current_leaf_id');
  if (leaf !== null) context.ends.set(id, stateMessageId(id, leaf));
  if (leaf !== null && outcome !== 'unchanged') {
    const leafId = record.mark?.leaf ?? stateMessageId(id, leaf);
    context.leaves.set(id, leafId);
    transaction.run(
      `insert into thread_leaves (thread_id, leaf_id) values (?, ?)
       on conflict (thread_id) do update set leaf_id = excluded.leaf_id where leaf_id like 'msg%~%'`,
      [id, leafId],
    );
  }
  return outcome;
};

const threadColumns: Columns = (value) => {
  const status = text(value, 'status');
  const source = text(value, 'source');
  return {
    title: textOrNull(value, 'title'),
    preview: text(value, 'preview'),
    model_provider: text(value, 'model_provider'),
    cwd: text(value, 'cwd'),
    source: THREAD_SOURCE.has(source) ? source : 'unknown',
    status: THREAD_STATUS.has(status) ? status : 'idle',
    archived: value['archived'] === 1 ? 1 : 0,
    archived_at: seconds(value, 'archived_at'),
    created_at: seconds(value, 'created_at') ?? 0,
  };
};

/** A thread that the store has just so: its tools and messages may be others all the same. */
export function noteStateThread({ raw, value }: ImportRecord, context: HomeContext): void {
  const id = text(value, 'id');
  context.stateThreads.set(id, { updatedAt: seconds(value, 'updated_at') ?? 0, isNew: false });
  const leaf = exactInteger(raw, 'current_leaf_id');
  if (leaf !== null) context.ends.set(id, stateMessageId(id, leaf));
}

/**
 * Tools of a thread stand in one column, in order, each as the row that it was. They have no time:
 * they go with their thread, and come in where the thread in the store is the one of this file.
 */
export const applyStateTool: Apply = (transaction, record, context) => {
  const { value } = record;
  const id = text(value, 'thread_id');
  const thread = context.stateThreads.get(id);
  if (!thread) return 'unchanged';
  const row = transaction.first<{ tools: string; tools_version: string }>(
    ['tools', 'tools_version'],
    'from threads where id = ?',
    [id],
  );
  // Its thread was only tried.
  if (!row) return 'imported';
  // Set in the store: nothing tells what the old program changed since.
  const by = thread.toolsWord?.device ?? IMPORT_DEVICE;
  if (deviceOf(row.tools_version) !== by) return 'unchanged';
  const list = JSON.parse(row.tools) as Record<string, unknown>[];
  const position = Number(value['position']);
  const tool = {
    name: value['name'],
    description: value['description'] ?? null,
    inputSchema: value['input_schema'],
    position,
    legacy: true,
  };
  const others = list.filter((other) => other['position'] !== position);
  const tools = JSON.stringify(
    [...others, tool].toSorted((a, b) => Number(a.position) - Number(b.position)),
  );
  if (tools === row.tools) return 'unchanged';
  const replaces = others.length < list.length;
  const mayReplace = thread.isNew || context.isSuccessor(transaction, record.path);
  if (replaces && !mayReplace) return 'unchanged';
  const { ms } = thread.toolsWord ?? { ms: thread.updatedAt };
  const version = { ms, device: by, successor: true };
  const changed = transaction.update(threads, id, { tools }, version);
  if (changed.length === 0) return 'unchanged';
  return replaces ? 'updated' : 'imported';
};

export const applyStateCheckpoint: Apply = (transaction, record, context) => {
  const { value } = record;
  const threadId = text(value, 'thread_id');
  const checkpointId = text(value, 'checkpoint_id');
  const createdAt = seconds(value, 'created_at') ?? 0;
  return takeRow(
    transaction,
    { record, context },
    threadCheckpoints,
    {
      id: `${threadId}/${checkpointId}`,
      thread_id: threadId,
      checkpoint_id: checkpointId,
      created_at: createdAt,
      deleted_at: null,
      ...storeBody(transaction, record.raw),
    },
    createdAt,
  );
};

export const applyStateJob: Apply = (transaction, record, context) => {
  const { value } = record;
  const updatedAt = seconds(value, 'updated_at') ?? 0;
  return takeRow(
    transaction,
    { record, context },
    jobs,
    {
      id: text(value, 'id'),
      ...jobColumns(value),
      updated_at: updatedAt,
      deleted_at: null,
      ...storeBody(transaction, record.raw),
    },
    updatedAt,
    formerly(jobColumns),
  );
};

const jobColumns: Columns = (value) => {
  const progress = value['progress'];
  const inRange = typeof progress === 'number' && progress >= 0 && progress <= PROGRESS_MAX;
  return {
    name: text(value, 'name'),
    status: jobStatus(text(value, 'status'), text(value, 'detail')),
    progress: inRange ? progress : null,
    created_at: seconds(value, 'created_at') ?? 0,
  };
};

/** A detail that is JSON tells the status better than the column; unknown spellings mean queued. */
export function jobStatus(column: string, detail: string): string {
  let status: unknown = column;
  if (detail.startsWith('{')) {
    try {
      status = (JSON.parse(detail) as { status?: unknown }).status ?? column;
    } catch {
      // Older writers put plain text here.
      status = column;
    }
  }
  return typeof status === 'string' && JOB_STATUS.has(status) ? status : 'queued';
}

/** Goals of state.db, of runtime threads and of sessions share one table, apart by their scope. */
export function applyGoal(scope: 'thread' | 'runtime' | 'session'): Apply {
  return (transaction, record, context) => {
    const { value } = record;
    const ownerId = goalOwner(scope, record, context);
    // Goals of sessions have no time of their own: their file's is shown, and decides nothing.
    const updatedAt = seconds(value, 'updated_at') ?? undefined;
    return takeRow(
      transaction,
      { record, context },
      goals,
      {
        id: `${scope}/${ownerId}`,
        scope,
        owner_id: ownerId,
        ...goalColumns(value),
        updated_at: updatedAt ?? fileTime(record),
        deleted_at: null,
        ...storeBody(transaction, record.raw),
      },
      updatedAt,
      formerly(goalColumns, 'objective'),
    );
  };
}

const goalColumns: Columns = (value) => ({
  status: text(value, 'status'),
  objective: text(value, 'objective'),
});

function goalOwner(scope: string, record: ImportRecord, context: HomeContext): string {
  if (scope === 'session') return context.idOf('sessions', record.id ?? '');
  const threadId = text(record.value, 'thread_id');
  return scope === 'runtime' ? context.idOf('threads', threadId) : threadId;
}
