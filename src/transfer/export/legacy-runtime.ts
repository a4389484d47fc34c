import type { Reader } from '../../db/reader.ts';
import { arrayElements, parseJson } from '../../model/json-text.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  ownedBy,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { itemCheck, threadCheck, turnCheck } from '../../legacy/check/runtime.ts';
import { legacyId } from './legacy-names.ts';
import { readableRecord } from './readable-record.ts';
import { RecordPatch } from './record-patch.ts';
import { writeRecord } from './write-record.ts';
import { runtimeItems, runtimeThreads, runtimeTurns } from '../../model/registers.ts';

export const RUNTIME = 'tasks/runtime';

interface ThreadRow {
  readonly id: string;
  readonly title: string | null;
  readonly workspace: string;
  readonly model: string;
  readonly mode: string;
  readonly session_id: string | null;
  readonly task_id: string | null;
  readonly latest_turn_id: string | null;
  readonly archived: number;
  readonly created_at: number;
  readonly updated_at: number;
}

interface TurnRow {
  readonly id: string;
  readonly thread_id: string;
  readonly status: string;
  readonly input_summary: string;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

interface ItemRow {
  readonly id: string;
  readonly legacy_id: string | null;
  readonly device: string;
  readonly kind: string;
  readonly status: string;
  readonly summary: string;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

const THREAD_COLUMNS = [
  'id',
  'title',
  'workspace',
  'model',
  'mode',
  'session_id',
  'task_id',
  'latest_turn_id',
  'archived',
  'created_at',
  'updated_at',
] as const;

const TURN_COLUMNS = [
  'id',
  'thread_id',
  'status',
  'input_summary',
  'error',
  'created_at',
  'started_at',
  'ended_at',
] as const;

const ITEM_COLUMNS = [
  'id',
  'legacy_id',
  'device',
  'kind',
  'status',
  'summary',
  'started_at',
  'ended_at',
] as const;

export async function writeRuntime(context: ExportContext): Promise<void> {
  await countDeleted(context, 'threads', 'runtime_threads');
  await writeTurns(context);
  const query: RowQuery<ThreadRow> = {
    kind: 'threads',
    columns: THREAD_COLUMNS,
    from: `from runtime_threads t where ${live('t')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const { id } = row;
    const file = { table: runtimeThreads, id, path: `${RUNTIME}/threads/${legacyId(id)}.json` };
    writeRecord(context, reader, file, later, (body) => threadRecord(row, body));
    context.counter.add('threads');
  });
}

async function writeTurns(context: ExportContext): Promise<void> {
  const { counter } = context;
  const query: RowQuery<TurnRow> = {
    kind: 'turns',
    columns: TURN_COLUMNS,
    from: `from runtime_turns t where ${ownedBy('runtime_threads', 't.thread_id')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row, later) => {
    const items = readItems(reader, row.id);
    for (const item of items) {
      const { id } = item;
      const file = { table: runtimeItems, id, path: `${RUNTIME}/items/${legacyId(id)}.json` };
      writeRecord(context, reader, file, later, (body) => itemRecord(item, row.id, body));
      counter.add('items');
    }
    const { id } = row;
    const file = { table: runtimeTurns, id, path: `${RUNTIME}/turns/${legacyId(id)}.json` };
    writeRecord(context, reader, file, later, (body) => turnRecord(row, items, body));
    counter.add('turns');
  });
}

function readItems(reader: Reader, turnId: string): ItemRow[] {
  return reader.list<ItemRow>(
    ITEM_COLUMNS,
    'from runtime_items where turn_id = ? order by position, id',
    [turnId],
  );
}

const threadRecord = (row: ThreadRow, body: string) =>
  readableRecord(body, 'id', threadCheck, (readable) => patchedThread(row, readable));

function patchedThread(row: ThreadRow, body: string): RecordPatch {
  const thread = head(body)
    .reference('id', row.id)
    .time('created_at', row.created_at)
    .time('updated_at', row.updated_at)
    .text('model', row.model)
    .text('workspace', row.workspace)
    .text('mode', row.mode)
    .fallback('allow_shell', 'false')
    .fallback('trust_mode', 'false')
    .fallback('auto_approve', 'false')
    .reference('latest_turn_id', row.latest_turn_id);
  const archived = row.archived === 1;
  if (archived !== (thread.value('archived') === true)) {
    thread.setJson('archived', String(archived));
  }
  return thread
    .task('task_id', row.task_id)
    .text('title', row.title)
    .reference('session_id', row.session_id);
}

const turnRecord = (row: TurnRow, items: readonly ItemRow[], body: string) =>
  readableRecord(body, 'id', turnCheck, (readable) => patchedTurn(row, items, readable));

function patchedTurn(row: TurnRow, items: readonly ItemRow[], body: string): RecordPatch {
  const turn = head(body)
    .reference('id', row.id)
    .reference('thread_id', row.thread_id)
    .text('status', row.status)
    .text('input_summary', row.input_summary)
    .time('created_at', row.created_at)
    .time('started_at', row.started_at)
    .time('ended_at', row.ended_at)
    .text('error', row.error);
  const ids = itemIds(turn, items);
  if (ids !== undefined) turn.setJson('item_ids', ids);
  return turn;
}

/**
 * The order of the items, where it is not as the turn has it. Items that an old turn does not list
 * stay unlisted; those of the library, and those that got another id, are put in.
 */
function itemIds(turn: RecordPatch, items: readonly ItemRow[]): string | undefined {
  const json = turn.json('item_ids');
  const old = json?.startsWith('[') ? arrayElements(json).map(parseJson) : undefined;
  const renamed = new Map(
    items.flatMap((item) => (item.legacy_id === null ? [] : [[item.legacy_id, item.id] as const])),
  );
  const listed = (old ?? []).map((id) => renamed.get(id as string) ?? (id as string));
  const seen = new Set(listed);
  const added = items.filter((item) => item.device !== 'import' && !seen.has(item.id));
  if (added.length === 0 && renamed.size === 0) return undefined;
  return JSON.stringify([...listed, ...added.map((item) => item.id)].map(legacyId));
}

const itemRecord = (row: ItemRow, turnId: string, body: string) =>
  readableRecord(body, 'id', itemCheck, (readable) => patchedItem(row, turnId, readable));

function patchedItem(row: ItemRow, turnId: string, body: string): RecordPatch {
  return head(body)
    .reference('id', row.id)
    .reference('turn_id', turnId)
    .text('kind', row.kind)
    .text('status', row.status)
    .text('summary', row.summary)
    .time('started_at', row.started_at)
    .time('ended_at', row.ended_at);
}

/** An imported record without a version is one of the current version, and stays without. */
function head(body: string): RecordPatch {
  const record = new RecordPatch(body);
  return record.has('id') ? record : record.fallback('schema_version', '2');
}

/** As an export would have them; undefined where there is no such row. */
export function exportedThread(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<ThreadRow>(THREAD_COLUMNS, 'from runtime_threads where id = ?', [id]);
  return row && threadRecord(row, bodyOf(reader, 'runtime_threads', id));
}

export function exportedTurn(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<TurnRow>(TURN_COLUMNS, 'from runtime_turns where id = ?', [id]);
  return row && turnRecord(row, readItems(reader, id), bodyOf(reader, 'runtime_turns', id));
}

export function exportedItem(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<ItemRow & { turn_id: string }>(
    [...ITEM_COLUMNS, 'turn_id'],
    'from runtime_items where id = ?',
    [id],
  );
  return row && itemRecord(row, row.turn_id, bodyOf(reader, 'runtime_items', id));
}
