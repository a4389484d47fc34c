import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import { detailsOf } from '../model/record-body.ts';
import * as model from '../model/runtime.ts';
import type {
  RuntimeItem,
  RuntimeThread,
  RuntimeThreadSummary,
  RuntimeTurn,
  RuntimeTurnSummary,
} from '../model/runtime.ts';
import { formatTime } from '../model/time.ts';
import { found } from './page.ts';
import { refusePurged } from './purged.ts';

const BODY = ['body', 'body_hash'] as const;

export const THREAD_COLUMNS = [
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
  'deleted_at',
  'device',
] as const;

export interface ThreadRow {
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
  readonly deleted_at: number | null;
  readonly device: string;
}

export const TURN_COLUMNS = [
  'id',
  'thread_id',
  'position',
  'status',
  'attempt',
  'owner',
  'input_summary',
  'error',
  'created_at',
  'started_at',
  'ended_at',
  'device',
] as const;

export interface TurnRow {
  readonly id: string;
  readonly thread_id: string;
  readonly position: number;
  readonly status: string;
  readonly attempt: number;
  readonly owner: string;
  readonly input_summary: string;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly device: string;
}

export const ITEM_COLUMNS = [
  'id',
  'turn_id',
  'position',
  'kind',
  'status',
  'attempt',
  'summary',
  'started_at',
  'ended_at',
  'device',
  ...BODY,
] as const;

export interface ItemRow extends BodyColumns {
  readonly id: string;
  readonly turn_id: string;
  readonly position: number;
  readonly kind: string;
  readonly status: string;
  readonly attempt: number;
  readonly summary: string;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly device: string;
}

/** An open turn or item is still being worked on. */
export const OPEN = `status in ('queued', 'in_progress')`;

export function isOpen(status: string): boolean {
  return status === 'queued' || status === 'in_progress';
}

export function toThread(row: ThreadRow): RuntimeThreadSummary {
  return {
    id: row.id,
    title: row.title,
    workspace: row.workspace,
    model: row.model,
    mode: row.mode,
    sessionId: row.session_id,
    taskId: row.task_id,
    latestTurnId: row.latest_turn_id,
    archived: row.archived === 1,
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    deletedAt: formatTime(row.deleted_at),
    device: row.device,
  };
}

export function toTurn(row: TurnRow): RuntimeTurnSummary {
  return {
    id: row.id,
    threadId: row.thread_id,
    status: row.status,
    attempt: row.attempt,
    inputSummary: row.input_summary,
    error: row.error,
    createdAt: formatTime(row.created_at),
    startedAt: formatTime(row.started_at),
    endedAt: formatTime(row.ended_at),
    owner: row.owner,
    device: row.device,
  };
}

export function toItem(row: Omit<ItemRow, keyof BodyColumns>, body: string): RuntimeItem {
  return itemOf(row, JSON.parse(body));
}

/** @param document - the parsed body; null where it was emptied */
export function itemOf(row: Omit<ItemRow, keyof BodyColumns>, document: unknown): RuntimeItem {
  const members = new Map(Object.entries((document ?? {}) as Record<string, unknown>));
  const refs = members.get('artifact_refs');
  return {
    id: row.id,
    turnId: row.turn_id,
    kind: row.kind,
    status: row.status,
    summary: row.summary,
    detail: (members.get('detail') as string | null | undefined) ?? null,
    metadata: members.get('metadata') ?? null,
    artifactRefs: Array.isArray(refs) ? (refs as string[]) : [],
    startedAt: formatTime(row.started_at),
    endedAt: formatTime(row.ended_at),
    device: row.device,
    details: Object.fromEntries(
      [...members].filter(([key]) => !model.RUNTIME_ITEM_FIELDS.has(key)),
    ),
  };
}

export function findThread(reader: Reader, id: string): ThreadRow | undefined {
  return reader.first<ThreadRow>(THREAD_COLUMNS, 'from runtime_threads where id = ?', [id]);
}

/** @throws `NotFoundError` */
export function needThread(reader: Reader, id: string): ThreadRow {
  return found(findThread(reader, id), 'runtime thread', id);
}

export function readThread(reader: Reader, id: string): RuntimeThread {
  refusePurged(reader, 'runtime_threads', id);
  const row = needThread(reader, id);
  const details = detailsOf(bodyOf(reader, 'runtime_threads', id), model.RUNTIME_THREAD_FIELDS);
  return { ...toThread(row), details };
}

export function findTurn(reader: Reader, id: string): TurnRow | undefined {
  return reader.first<TurnRow>(TURN_COLUMNS, 'from runtime_turns where id = ?', [id]);
}

/** @throws `NotFoundError` */
export function needTurn(reader: Reader, id: string): TurnRow {
  return found(findTurn(reader, id), 'turn', id);
}

/**
 * Of a thread that was purged there are no turns to show.
 *
 * @throws `NotFoundError`
 */
export function refuseTurnOfPurged(reader: Reader, turnId: string): void {
  const turn = findTurn(reader, turnId);
  if (turn) refusePurged(reader, 'runtime_threads', turn.thread_id);
}

export function readTurn(reader: Reader, id: string): RuntimeTurn {
  const row = needTurn(reader, id);
  const details = detailsOf(bodyOf(reader, 'runtime_turns', id), model.RUNTIME_TURN_FIELDS);
  return { ...toTurn(row), details };
}

export function findItem(reader: Reader, id: string): ItemRow | undefined {
  return reader.first<ItemRow>(ITEM_COLUMNS, 'from runtime_items where id = ?', [id]);
}

/** The body of a record that is there, as JSON text. */
export function bodyOf(
  reader: Reader,
  table: 'runtime_threads' | 'runtime_turns' | 'tasks',
  id: string,
): string {
  const row = reader.first<BodyColumns>(BODY, `from ${table} where id = ?`, [id]);
  return row ? loadBody(reader, row) : '{}';
}

/** A turn as the old program wrote it: what events carry. */
export function turnPayload(turn: RuntimeTurn): Record<string, unknown> {
  return withoutNulls({
    schema_version: 2,
    ...turn.details,
    id: turn.id,
    thread_id: turn.threadId,
    status: turn.status,
    input_summary: turn.inputSummary,
    created_at: turn.createdAt,
    started_at: turn.startedAt,
    ended_at: turn.endedAt,
    error: turn.error,
  });
}

/** An item as the old program wrote it: what events carry. */
export function itemPayload(item: RuntimeItem): Record<string, unknown> {
  return withoutNulls({
    schema_version: 2,
    ...item.details,
    id: item.id,
    turn_id: item.turnId,
    kind: item.kind,
    status: item.status,
    summary: item.summary,
    detail: item.detail,
    metadata: item.metadata,
    artifact_refs: item.artifactRefs,
    started_at: item.startedAt,
    ended_at: item.endedAt,
  });
}

function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
