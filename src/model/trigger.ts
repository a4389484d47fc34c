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

export const triggerStatusSchema = z.enum(['pending', 'fired', 'canceled', 'failed']);

/** Members of an old program's trigger that have a field of their own; all others are details. */
export const TRIGGER_FIELDS: ReadonlySet<string> = new Set([
  'trigger_id',
  'fire_at',
  'message',
  'workspace',
  'owner_session_id',
  'status',
  'created_at',
  'fired_at',
  'task_id',
  'thread_id',
  'error',
]);

export const triggerCreateSchema = z.strictObject({
  /** `trig_` and 32 hex digits unless given. */
  id: idSchema.optional(),
  /** In the future. */
  fireAt: timeSchema,
  message: textSchema
    .transform((text) => text.trim())
    .refine((text) => text !== '', { error: 'a trigger needs a text' }),
  workspace: workspaceSchema.nullable().default(null),
  /** The session that it speaks to; without one it never fires. */
  ownerSessionId: idSchema.nullable().default(null),
  /** Anything else, kept as it is. */
  details: detailsSchema(TRIGGER_FIELDS).default({}),
});

export const triggerListSchema = z.strictObject({
  status: triggerStatusSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const triggerFireSchema = z.strictObject({
  /** The task that does the work. */
  taskId: idSchema.nullable().default(null),
  /** The runtime thread that it runs in. */
  threadId: idSchema.nullable().default(null),
});

export const triggerFailSchema = z.strictObject({ error: textSchema.nullable().default(null) });

export type TriggerStatus = z.output<typeof triggerStatusSchema>;
export type TriggerCreate = z.input<typeof triggerCreateSchema>;
export type TriggerListOptions = z.input<typeof triggerListSchema>;
export type TriggerFire = z.input<typeof triggerFireSchema>;
export type TriggerFail = z.input<typeof triggerFailSchema>;

/** A trigger as lists show it. Times are RFC 3339. */
export interface TriggerSummary {
  id: string;
  fireAt: string;
  message: string;
  workspace: string | null;
  ownerSessionId: string | null;
  /** `failed` where the stored word is none of these. */
  status: TriggerStatus;
  firedAt: string | null;
  taskId: string | null;
  threadId: string | null;
  error: string | null;
  createdAt: string;
  /** The device that made it and alone fires it, or `import`. */
  device: string;
}

export interface Trigger extends TriggerSummary {
  /** What has no field of its own, by the names of the old program: `parent_trigger_id`, … */
  details: Record<string, unknown>;
}
