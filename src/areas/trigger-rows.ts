import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import { detailsOf } from '../model/record-body.ts';
import { formatTime } from '../model/time.ts';
import {
  TRIGGER_FIELDS,
  triggerStatusSchema,
  type Trigger,
  type TriggerSummary,
} from '../model/trigger.ts';
import { knownWord } from './fields.ts';
import { found } from './page.ts';

export const TRIGGER_COLUMNS = [
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
  'device',
] as const;

export interface TriggerRow {
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
  readonly device: string;
}

export function toTrigger(row: TriggerRow): TriggerSummary {
  return {
    id: row.id,
    fireAt: formatTime(row.fire_at),
    message: row.message,
    workspace: row.workspace,
    ownerSessionId: row.owner_session_id,
    status: knownWord(triggerStatusSchema.options, row.status, 'failed'),
    firedAt: formatTime(row.fired_at),
    taskId: row.task_id,
    threadId: row.thread_id,
    error: row.error,
    createdAt: formatTime(row.created_at),
    device: row.device,
  };
}

export function findTrigger(reader: Reader, id: string): (TriggerRow & BodyColumns) | undefined {
  return reader.first<TriggerRow & BodyColumns>(
    [...TRIGGER_COLUMNS, 'body', 'body_hash'],
    'from triggers where id = ?',
    [id],
  );
}

/** @throws `NotFoundError` */
export function needTrigger(reader: Reader, id: string): TriggerRow & BodyColumns {
  return found(findTrigger(reader, id), 'trigger', id);
}

export function readTrigger(reader: Reader, id: string): Trigger {
  const row = needTrigger(reader, id);
  return { ...toTrigger(row), details: detailsOf(loadBody(reader, row), TRIGGER_FIELDS) };
}
