import { loadBody, readBlob, type BodyColumns } from '../../db/bodies.ts';
import { isLarge, readPieces } from '../../db/large-bodies.ts';
import { formatTime } from '../../model/time.ts';
import {
  countDeleted,
  eachRow,
  live,
  ownedBy,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import type { LineFile } from './export-target.ts';

/** One table as lines of JSON. */
interface JsonlTable {
  /** The word of the import for it, and the name of the file. */
  readonly kind: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly where: string;
  readonly key: string;
  /** The column of the session that a row belongs to; without one it belongs to none. */
  readonly session?: string;
}

const runtime = (alias: string) => ownedBy('runtime_threads', `${alias}.thread_id`);

/** Columns as the store has them: times end in `_at` and come out as RFC 3339. */
const TABLES: readonly JsonlTable[] = [
  table(
    'sessions',
    'sessions',
    live('t'),
    'id',
    'title workspace model parent_id created_at updated_at archived_at message_count',
    'id',
  ),
  table(
    'session_messages',
    'session_messages',
    ownedBy('sessions', 't.session_id'),
    'number',
    'session_id parent_id role created_at',
    'session_id',
  ),
  {
    kind: 'checkpoints',
    table: 'session_checkpoints',
    columns: ['id', 'session_id', 'saved_at'],
    where: '1',
    key: 'id',
    session: 'session_id',
  },
  {
    kind: 'offline_queue',
    table: 'offline_queue',
    columns: ['session_id', 'saved_at'],
    where: '1',
    key: 'session_id',
    session: 'session_id',
  },
  table(
    'goals',
    'goals',
    't.deleted_at is null',
    'id',
    'scope owner_id status objective updated_at',
    'owner_id',
  ),
  table(
    'threads',
    'runtime_threads',
    live('t'),
    'id',
    'legacy_id title workspace model mode session_id task_id latest_turn_id archived created_at updated_at',
  ),
  table(
    'turns',
    'runtime_turns',
    runtime('t'),
    'id',
    'legacy_id thread_id position status attempt owner input_summary error created_at started_at ended_at',
  ),
  table(
    'items',
    'runtime_items',
    `exists (select 1 from runtime_turns u where u.id = t.turn_id and ${runtime('u')})`,
    'id',
    'legacy_id turn_id position kind status attempt summary started_at ended_at',
  ),
  table(
    'events',
    'runtime_events',
    runtime('t'),
    'number',
    'thread_id seq type turn_id item_id created_at legacy_seq legacy',
  ),
  table(
    'tasks',
    'tasks',
    live('t'),
    'id',
    'prompt status attempt owner queued_at workspace model thread_id session_id error created_at started_at ended_at archived_at updated_at',
  ),
  table(
    'automations',
    'automations',
    live('t'),
    'id',
    'name prompt rule status catch_up owner next_run_at last_run_at created_at updated_at',
  ),
  table(
    'automation_runs',
    'automation_runs',
    `t.deleted_at is null and ${ownedBy('automations', 't.automation_id')}`,
    'id',
    'automation_id slot status attempt task_id error created_at started_at ended_at',
  ),
  table(
    'triggers',
    'triggers',
    '1',
    'id',
    'fire_at message workspace owner_session_id status attempt fired_at task_id thread_id error created_at',
  ),
  table('audit', 'audit_log', '1', 'number', 'event created_at legacy'),
  table(
    'state.threads',
    'threads',
    live('t'),
    'id',
    'title preview model_provider cwd source status archived archived_at created_at updated_at tools',
  ),
  table(
    'state.messages',
    'thread_messages',
    ownedBy('threads', 't.thread_id'),
    'number',
    'thread_id parent_id role created_at',
  ),
  table(
    'state.checkpoints',
    'thread_checkpoints',
    `t.deleted_at is null and ${ownedBy('threads', 't.thread_id')}`,
    'id',
    'thread_id checkpoint_id created_at',
  ),
  table(
    'state.jobs',
    'jobs',
    't.deleted_at is null',
    'id',
    'name status progress created_at updated_at',
  ),
  table(
    'legacy_records',
    'legacy_records',
    // Nothing is left of these: an orphan whose parent came, a receipt of a purged session.
    `body is not 'null'`,
    'id',
    'kind path position owner_id state modified_at',
  ),
];

function table(
  kind: string,
  name: string,
  where: string,
  key: string,
  columns: string,
  session?: string,
): JsonlTable {
  const names = ['id', 'device', ...columns.split(' ')];
  if (!names.includes(key)) names.push(key);
  return { kind, table: name, columns: names, where, key, ...(session ? { session } : {}) };
}

/** Texts of JSON, which go out as they are. */
const JSON_COLUMNS = new Set(['tools', 'legacy', 'legacy_seq']);

/**
 * A file a kind, a line a record: `kind`, the columns in camelCase, and `body`, the exact text of
 * what the record holds besides. Bytes of artifacts lie beside them under their SHA-256.
 */
export async function writeJsonl(context: ExportContext): Promise<void> {
  if (context.session === undefined) {
    for (const { kind, table: name, where } of TABLES) {
      if (where === live('t')) await countDeleted(context, kind, name);
    }
  }
  for (const spec of TABLES) {
    if (context.session === undefined || spec.session !== undefined)
      await writeTable(context, spec);
  }
  await writeArtifactLines(context);
}

async function writeTable(context: ExportContext, spec: JsonlTable): Promise<void> {
  const { session } = context;
  const query: RowQuery<Record<string, string | number | null> & BodyColumns> = {
    kind: spec.kind,
    columns: [...spec.columns, 'body', 'body_hash'],
    from: `from ${spec.table} t where ${spec.where}
      ${session === undefined ? '' : `and t.${spec.session ?? 'id'} = ?`}`,
    params: session === undefined ? [] : [session],
    key: spec.key,
  };
  const file = context.target.lines(`${spec.kind}.jsonl`);
  try {
    await eachRow(context, query, (reader, row, later) => {
      const members = spec.columns.map((name) => member(name, row[name] ?? null));
      const head = [`"kind":${JSON.stringify(spec.kind)}`, ...members.filter(Boolean)];
      const start = `{${head.join(',')},"body":`;
      context.counter.add(spec.kind);
      const { body_hash: hash } = row;
      if (hash !== null && isLarge(reader, row))
        later(() => writeLarge(context, file, start, hash));
      else file.write(`${start}${loadBody(reader, row)}}`);
    });
  } finally {
    file.close();
  }
}

/** A line whose body would fill the memory: its bytes go from the store into the file. */
async function writeLarge(
  context: ExportContext,
  file: LineFile,
  start: string,
  hash: string,
): Promise<void> {
  file.append(Buffer.from(start));
  for await (const piece of readPieces(context, hash)) file.append(piece);
  file.append(Buffer.from('}\n'));
}

/** A column as a member; nothing for the row number and for what would hide `kind`. */
function member(column: string, value: string | number | null): string {
  if (column === 'number') return '';
  const name = column === 'kind' ? 'recordKind' : camelCase(column);
  if (value === null || JSON_COLUMNS.has(column)) return `"${name}":${value ?? 'null'}`;
  const text = isTime(column) ? formatTime(Number(value)) : value;
  return `"${name}":${JSON.stringify(text)}`;
}

/** `queued_at` is a place in the queue. */
function isTime(column: string): boolean {
  return column.endsWith('_at') && column !== 'queued_at';
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function writeArtifactLines(context: ExportContext): Promise<void> {
  const { session, target, counter } = context;
  const query: RowQuery<Record<string, string | number> & { body_hash: string }> = {
    kind: 'artifacts',
    columns: ['id', 'device', 'owner_kind', 'owner_id', 'path', 'size', 'modified_at', 'body_hash'],
    from: `from artifacts t where t.deleted_at is null and ${session === undefined ? '1' : `owner_kind = 'session' and owner_id = ?`}`,
    params: session === undefined ? [] : [session],
    key: 'id',
  };
  const file = target.lines('artifacts.jsonl');
  try {
    await eachRow(context, query, (reader, row) => {
      const { body_hash: hash, ...columns } = row;
      const members = Object.entries(columns).map(([name, value]) => member(name, value));
      file.write(`{"kind":"artifacts",${members.join(',')},"file":"artifacts/${hash}"}`);
      if (!target.has(`artifacts/${hash}`)) {
        target.write(`artifacts/${hash}`, readBlob(reader, hash));
      }
      counter.add('artifacts');
    });
  } finally {
    file.close();
  }
}
