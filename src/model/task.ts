import * as z from 'zod';
import { detailsSchema } from './record-body.ts';
import {
  cursorSchema,
  idSchema,
  limitSchema,
  textSchema,
  timeSchema,
  workspaceSchema,
} from './validate.ts';
import { IMPORT_DEVICE } from './version.ts';

export const taskStatusSchema = z.enum(['queued', 'running', 'completed', 'failed', 'canceled']);

/** Members of an old program's task that have a field of their own; all others are details. */
export const TASK_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'prompt',
  'status',
  'created_at',
  'started_at',
  'ended_at',
  'error',
  'workspace',
  'model',
  'thread_id',
  'owner_session_id',
]);

/**
 * When somebody asked a running task to stop, unix milliseconds; null where nobody did. `ended_at`
 * says so while the task runs: it belongs to the attempt, goes with it, and no report of a worker
 * touches it. Of an imported one, which nobody works on, it is what its file says.
 */
export function stopAskedAt(task: {
  readonly status: string;
  readonly owner: string;
  readonly ended_at: number | null;
}): number | null {
  return task.status === 'running' && task.owner !== IMPORT_DEVICE ? task.ended_at : null;
}

const promptSchema = textSchema
  .transform((text) => text.trim())
  .refine((text) => text !== '', { error: 'a task needs a prompt' });

/** The name of a worker; any text. */
const workerSchema = textSchema.pipe(z.string().min(1).max(200));

/** No worker holds a task for longer without a word, milliseconds. */
export const LEASE_MS_MAX = 24 * 60 * 60_000;

const leaseMsSchema = z.int().min(1).max(LEASE_MS_MAX);

export const taskCreateSchema = z.strictObject({
  /** `task_` and a ULID unless given. */
  id: idSchema.optional(),
  prompt: promptSchema,
  /** The folder that the task works in; empty unless given. */
  workspace: workspaceSchema.default(''),
  model: textSchema.default('auto'),
  /** The runtime thread that it runs in. */
  threadId: idSchema.nullable().default(null),
  sessionId: idSchema.nullable().default(null),
  createdAt: timeSchema.optional(),
  /** Anything else, kept as it is. */
  details: detailsSchema(TASK_FIELDS).default({}),
});

export const taskUpdateSchema = z.strictObject({
  prompt: promptSchema.optional(),
  workspace: workspaceSchema.optional(),
  model: textSchema.optional(),
  threadId: idSchema.nullable().optional(),
  sessionId: idSchema.nullable().optional(),
  /** Replaces the details as a whole. */
  details: detailsSchema(TASK_FIELDS).optional(),
});

export const taskListSchema = z.strictObject({
  /** Any of these. */
  status: z.array(taskStatusSchema).min(1).optional(),
  workspace: workspaceSchema.optional(),
  archived: z.enum(['exclude', 'only', 'include']).default('exclude'),
  /** Only the deleted ones. */
  deleted: z.boolean().default(false),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const taskClaimSchema = z.strictObject({
  /** The name of the worker. */
  owner: workerSchema,
  /** How long the worker may be silent, in milliseconds. */
  leaseMs: leaseMsSchema,
});

export const taskHeartbeatSchema = z.strictObject({
  id: idSchema,
  owner: workerSchema,
  leaseMs: leaseMsSchema,
});

export const taskFinishSchema = z.strictObject({
  /** The name of the worker that holds the task. */
  owner: workerSchema,
  status: z.enum(['completed', 'failed', 'canceled']).default('completed'),
  error: textSchema.nullable().optional(),
  /** Becomes the detail `result_summary`. */
  summary: textSchema.optional(),
  /** Laid over the details of the task, key by key. */
  details: detailsSchema(TASK_FIELDS).default({}),
});

export const taskHandOverSchema = z.strictObject({
  /** The owner is lost and will not end what it runs: that is queued again, as another attempt. */
  lost: z.boolean().default(false),
});

export type TaskStatus = z.output<typeof taskStatusSchema>;
export type TaskCreate = z.input<typeof taskCreateSchema>;
export type TaskUpdate = z.input<typeof taskUpdateSchema>;
export type TaskListOptions = z.input<typeof taskListSchema>;
export type TaskClaim = z.input<typeof taskClaimSchema>;
export type TaskHeartbeat = z.input<typeof taskHeartbeatSchema>;
export type TaskFinish = z.input<typeof taskFinishSchema>;
export type TaskHandOver = z.input<typeof taskHandOverSchema>;
export type TaskCounts = Record<TaskStatus, number>;

/** A task as lists show it. Times are RFC 3339. */
export interface TaskSummary {
  id: string;
  prompt: string;
  status: string;
  /** From 1; a retry raises it. */
  attempt: number;
  createdAt: string;
  /** The last of created, started, ended, and queued once more. */
  updatedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  error: string | null;
  workspace: string;
  model: string;
  threadId: string | null;
  sessionId: string | null;
  /** The device that may claim it, or `import`. */
  owner: string;
  archivedAt: string | null;
  deletedAt: string | null;
  /** The device that made it, or `import`. */
  device: string;
}

export interface Task extends TaskSummary {
  /** What has no field of its own, by the names of the old program: `result_summary`, … */
  details: Record<string, unknown>;
}

export interface TaskLease {
  id: string;
  /** The worker. */
  owner: string;
  expiresAt: string;
  /** Somebody asked for the task to be canceled; the worker is to stop and to finish it. */
  cancelRequested: boolean;
}
