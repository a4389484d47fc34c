import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import { parseJson } from '../model/json-text.ts';
import { detailsOf } from '../model/record-body.ts';
import {
  THREAD_COLUMN_KEYS,
  threadSourceSchema,
  threadStatusSchema,
  type Thread,
  type ThreadCheckpointSummary,
  type ThreadSummary,
  type ThreadTool,
} from '../model/thread.ts';
import { formatTime } from '../model/time.ts';
import { NotFoundError } from '../errors.ts';
import { knownWord } from './fields.ts';
import { found } from './page.ts';
import { refusePurged } from './purged.ts';

export const THREAD_COLUMNS = [
  'id',
  'title',
  'preview',
  'model_provider',
  'cwd',
  'source',
  'status',
  'archived',
  'archived_at',
  'created_at',
  'updated_at',
  'deleted_at',
  'device',
] as const;

export interface ThreadRow {
  readonly id: string;
  readonly title: string | null;
  readonly preview: string;
  readonly model_provider: string;
  readonly cwd: string;
  readonly source: string;
  readonly status: string;
  readonly archived: number;
  readonly archived_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly device: string;
}

export function toThread(row: ThreadRow): ThreadSummary {
  return {
    id: row.id,
    title: row.title,
    preview: row.preview,
    modelProvider: row.model_provider,
    cwd: row.cwd,
    source: knownWord(threadSourceSchema.options, row.source, 'unknown'),
    status: knownWord(threadStatusSchema.options, row.status, 'idle'),
    archived: row.archived === 1,
    archivedAt: formatTime(row.archived_at),
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    deletedAt: formatTime(row.deleted_at),
    device: row.device,
  };
}

export function findThread(reader: Reader, id: string): ThreadRow | undefined {
  return reader.first<ThreadRow>(THREAD_COLUMNS, 'from threads where id = ?', [id]);
}

/** A thread that is not deleted: only of those the messages, tools and checkpoints are there. */
export function liveThread(reader: Reader, id: string): ThreadRow {
  const row = found(findThread(reader, id), 'thread', id);
  if (row.deleted_at !== null) throw new NotFoundError('thread', id);
  return row;
}

export function readThread(reader: Reader, id: string): Thread {
  refusePurged(reader, 'threads', id);
  const row = reader.first<ThreadRow & BodyColumns>(
    [...THREAD_COLUMNS, 'body', 'body_hash'],
    'from threads where id = ?',
    [id],
  );
  const thread = found(row, 'thread', id);
  const details = detailsOf(loadBody(reader, thread), THREAD_COLUMN_KEYS);
  return { ...toThread(thread), details };
}

/** Tools of an old program have their schema as text, and a place that the list tells by itself. */
export function toTools(json: string): ThreadTool[] {
  const tools = parseJson(json) as (ThreadTool & { legacy?: boolean })[];
  return tools.map(({ name, description, inputSchema, legacy }) => ({
    name,
    description,
    inputSchema: legacy ? columnJson(inputSchema as string | null) : inputSchema,
  }));
}

export const THREAD_CHECKPOINT_COLUMNS = [
  'id',
  'thread_id',
  'checkpoint_id',
  'created_at',
  'device',
] as const;

export interface ThreadCheckpointRow {
  readonly id: string;
  readonly thread_id: string;
  readonly checkpoint_id: string;
  readonly created_at: number;
  readonly device: string;
}

export function toThreadCheckpoint(row: ThreadCheckpointRow): ThreadCheckpointSummary {
  return {
    id: row.checkpoint_id,
    threadId: row.thread_id,
    createdAt: formatTime(row.created_at),
    device: row.device,
  };
}

/**
 * The value of a JSON text that stood in a column of the old program; one that is no JSON stays
 * text rather than hide its record.
 */
export function columnJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
