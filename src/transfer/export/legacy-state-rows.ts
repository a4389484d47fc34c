import type { Reader } from '../../db/reader.ts';
import { JsonTextError, minifyJson, patchObject } from '../../model/json-text.ts';
import { threadSourceSchema, threadStatusSchema } from '../../model/thread.ts';
import { jobStatus } from '../import/apply-state.ts';
import { bodyOf } from './export-context.ts';
import { RecordPatch } from './record-patch.ts';
import { wellFormedJson } from './record-text.ts';

export interface StateThreadRow {
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
}

/** A row of `threads`. The old program wants to know who wrote it. */
const CLI_VERSION = '"codewhale-store"';

export function stateThreadRecord(
  row: StateThreadRow,
  body: string,
  leaf: bigint | null,
): RecordPatch {
  const thread = new RecordPatch(body)
    .text('id', row.id)
    .text('preview', row.preview)
    .fallback('ephemeral', '0')
    .text('model_provider', row.model_provider)
    .seconds('created_at', row.created_at)
    .seconds('updated_at', row.updated_at)
    .text('cwd', row.cwd)
    .fallback('cli_version', CLI_VERSION)
    .text('title', row.title)
    .seconds('archived_at', row.archived_at)
    .integer('current_leaf_id', leaf);
  setWord(thread, 'status', row.status, threadStatusSchema.options, 'idle');
  setWord(thread, 'source', row.source, threadSourceSchema.options, 'unknown');
  if ((thread.value('archived') === 1 ? 1 : 0) !== row.archived) {
    thread.setJson('archived', String(row.archived));
  }
  return thread;
}

export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly progress: number | null;
  readonly created_at: number;
  readonly updated_at: number;
}

const PROGRESS_MAX = 255;

/** A row of `jobs`, which has no place for details but the text `detail`. */
export function jobRecord(row: JobRow, body: string): RecordPatch {
  const job = new RecordPatch(body)
    .text('id', row.id)
    .text('name', row.name)
    .seconds('created_at', row.created_at)
    .seconds('updated_at', row.updated_at);
  const status = job.value('status');
  const detail = job.value('detail');
  const old = jobStatus(
    typeof status === 'string' ? status : '',
    typeof detail === 'string' ? detail : '',
  );
  if (typeof status !== 'string' || old !== row.status) {
    job.setJson('status', JSON.stringify(row.status));
    setDetailStatus(job, row.status);
  }
  const progress = job.value('progress');
  const known = typeof progress === 'number' && progress >= 0 && progress <= PROGRESS_MAX;
  if ((known ? progress : null) !== row.progress) {
    job.setJson('progress', JSON.stringify(row.progress));
  }
  return job;
}

/** Sets a word unless the old text, read as the old program reads it, means it already. */
function setWord(
  record: RecordPatch,
  key: string,
  word: string,
  words: readonly string[],
  fallback: string,
): void {
  const text = record.value(key);
  const old = typeof text === 'string' && words.includes(text) ? text : fallback;
  if (typeof text !== 'string' || old !== word) record.setJson(key, JSON.stringify(word));
}

/** The status inside `detail`, where that is JSON, overrides the column. */
function setDetailStatus(job: RecordPatch, status: string): void {
  const detail = job.value('detail');
  if (typeof detail !== 'string' || !detail.startsWith('{')) return;
  try {
    const inner = patchObject(minifyJson(detail), { status: JSON.stringify(status) });
    job.setJson('detail', JSON.stringify(inner));
  } catch (error) {
    // Plain text of older versions, which overrides nothing.
    if (!(error instanceof JsonTextError)) throw error;
  }
}

export const STATE_THREAD_COLUMNS = [
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
] as const;
export const JOB_COLUMNS = [
  'id',
  'name',
  'status',
  'progress',
  'created_at',
  'updated_at',
] as const;
export const CHECKPOINT_COLUMNS = ['id', 'thread_id', 'checkpoint_id', 'created_at'] as const;

export interface StateCheckpointRow {
  readonly id: string;
  readonly thread_id: string;
  readonly checkpoint_id: string;
  readonly created_at: number;
}

export function stateCheckpointRecord(row: StateCheckpointRow, body: string): RecordPatch {
  const checkpoint = new RecordPatch(body)
    .text('thread_id', row.thread_id)
    .text('checkpoint_id', row.checkpoint_id)
    .seconds('created_at', row.created_at);
  const state = checkpoint.json('state');
  if (state !== undefined) {
    checkpoint.setJson('state_json', JSON.stringify(wellFormedJson(state)));
    checkpoint.setJson('state', undefined);
  }
  return checkpoint.fallback('state_json', '"null"');
}

/** As an export would have them, a thread without its current message; undefined: no such row. */
export function exportedStateThread(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<StateThreadRow>(STATE_THREAD_COLUMNS, 'from threads where id = ?', [id]);
  return row && stateThreadRecord(row, bodyOf(reader, 'threads', id), null);
}

export function exportedJob(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<JobRow>(JOB_COLUMNS, 'from jobs where id = ?', [id]);
  return row && jobRecord(row, bodyOf(reader, 'jobs', id));
}

export function exportedStateCheckpoint(reader: Reader, id: string): RecordPatch | undefined {
  const from = 'from thread_checkpoints where id = ?';
  const row = reader.first<StateCheckpointRow>(CHECKPOINT_COLUMNS, from, [id]);
  return row && stateCheckpointRecord(row, bodyOf(reader, 'thread_checkpoints', id));
}
