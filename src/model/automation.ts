import * as z from 'zod';
import { detailsSchema } from './record-body.ts';
import { parseRule, ScheduleError } from './schedule.ts';
import { cursorSchema, idSchema, limitSchema, textSchema, timeSchema } from './validate.ts';

export const automationStatusSchema = z.enum(['active', 'paused']);

/** What to do with slots that passed while nothing was running, see `dueSlots`. */
export const catchUpSchema = z.enum(['skip', 'once', 'all']);

export const automationRunStatusSchema = z.enum([
  'queued',
  'running',
  'completed',
  'failed',
  'canceled',
]);

/** Members of an old program's automation that have a field of their own; all others are details. */
export const AUTOMATION_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'name',
  'prompt',
  'rrule',
  'status',
  'created_at',
  'updated_at',
  'next_run_at',
  'last_run_at',
]);

export const AUTOMATION_RUN_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'automation_id',
  'scheduled_for',
  'status',
  'created_at',
  'started_at',
  'ended_at',
  'task_id',
  'error',
]);

const nameSchema = textSchema
  .transform((text) => text.trim())
  .refine((text) => text !== '', { error: 'an automation needs a name' });

const promptSchema = textSchema
  .transform((text) => text.trim())
  .refine((text) => text !== '', { error: 'an automation needs a prompt' });

/** A schedule as `parseRule` takes it; stored in upper case, as the old program did. */
const ruleSchema = textSchema.transform((text, context) => {
  try {
    parseRule(text);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    context.addIssue(error.message);
    return z.NEVER;
  }
  return text.trim().toUpperCase();
});

export const automationCreateSchema = z.strictObject({
  /** A ULID unless given. */
  id: idSchema.optional(),
  name: nameSchema,
  prompt: promptSchema,
  /** `FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=0`, by the clocks of the machine that runs it. */
  rule: ruleSchema,
  /** A paused one may have a rule that is over. */
  status: automationStatusSchema.default('active'),
  catchUp: catchUpSchema.default('once'),
  createdAt: timeSchema.optional(),
  /** Anything else by the names of the old program: `cwds`, `mode`, `delivery_mode`, … */
  details: detailsSchema(AUTOMATION_FIELDS).default({}),
});

export const automationUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  prompt: promptSchema.optional(),
  rule: ruleSchema.optional(),
  catchUp: catchUpSchema.optional(),
  /** The device that is to run it from now on. */
  owner: idSchema.optional(),
  /** Replaces the details as a whole. */
  details: detailsSchema(AUTOMATION_FIELDS).optional(),
});

export const automationListSchema = z.strictObject({
  status: automationStatusSchema.optional(),
  /** Only the deleted ones. */
  deleted: z.boolean().default(false),
  limit: limitSchema,
  cursor: cursorSchema,
});

const runFields = {
  status: automationRunStatusSchema.extract(['queued', 'running']).default('queued'),
  /** The task that does the work. */
  taskId: idSchema.nullable().default(null),
  /** Anything else by the names of the old program: `thread_id`, `turn_id`, … */
  details: detailsSchema(AUTOMATION_RUN_FIELDS).default({}),
};

export const automationRunRecordSchema = z.strictObject({
  automationId: idSchema,
  /** The time that `due` gave. */
  slot: timeSchema,
  ...runFields,
});

export const automationRunNowSchema = z.strictObject(runFields);

export const automationRunFinishSchema = z.strictObject({
  status: automationRunStatusSchema.extract(['completed', 'failed', 'canceled']),
  error: textSchema.nullable().optional(),
  taskId: idSchema.nullable().optional(),
});

export const automationRunListSchema = z.strictObject({ limit: limitSchema, cursor: cursorSchema });

export type AutomationStatus = z.output<typeof automationStatusSchema>;
export type AutomationCreate = z.input<typeof automationCreateSchema>;
export type AutomationUpdate = z.input<typeof automationUpdateSchema>;
export type AutomationListOptions = z.input<typeof automationListSchema>;
export type AutomationRunRecord = z.input<typeof automationRunRecordSchema>;
export type AutomationRunNow = z.input<typeof automationRunNowSchema>;
export type CheckedAutomationRun = z.output<typeof automationRunNowSchema>;
export type AutomationRunFinish = z.input<typeof automationRunFinishSchema>;
export type AutomationRunListOptions = z.input<typeof automationRunListSchema>;

/** An automation as lists show it. Times are RFC 3339. */
export interface AutomationSummary {
  id: string;
  name: string;
  prompt: string;
  /** An imported one may be of a kind that is not supported; then it does not run. */
  rule: string;
  /** `paused` where the stored word is none of these. */
  status: AutomationStatus;
  catchUp: z.output<typeof catchUpSchema>;
  /** The device that runs it, or `import` until it is taken over. */
  owner: string;
  /** Null while it is paused, or until its owner looks at it for the first time. */
  nextRunAt: string | null;
  /** When a run of it ended last. */
  lastRunAt: string | null;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
  /** The device that made it, or `import`. */
  device: string;
}

export interface Automation extends AutomationSummary {
  /** What has no field of its own, by the names of the old program: `cwds`, `mode`, … */
  details: Record<string, unknown>;
}

/** A run as lists show it. Times are RFC 3339. */
export interface AutomationRunSummary {
  id: string;
  automationId: string;
  /** The scheduled time; null for a run by hand, and for the second one of a slot in an import. */
  slot: string | null;
  status: string;
  attempt: number;
  taskId: string | null;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  /** The device that made it, or `import`. */
  device: string;
}

export interface AutomationRun extends AutomationRunSummary {
  /** The slot, or the time that a run without one was made for. */
  scheduledFor: string | null;
  details: Record<string, unknown>;
}

export interface DueSlot {
  automation: Automation;
  /** Give it to `recordRun`. */
  slot: string;
}

export interface DueAutomations {
  /** Oldest slot first. */
  items: DueSlot[];
  /** Automations of this device that cannot run, and why: they hold up none of the others. */
  problems: { automationId: string; name: string; message: string }[];
}
