import * as z from 'zod';
import { detailsSchema } from './record-body.ts';
import { cursorSchema, idSchema, limitSchema, textSchema, timeSchema } from './validate.ts';

/** What a goal belongs to: a thread, a thread of the runtime, or a session. */
export const goalScopeSchema = z.enum(['thread', 'runtime', 'session']);

export const goalStatusSchema = z.enum([
  'active',
  'paused',
  'blocked',
  'usage_limited',
  'budget_limited',
  'complete',
]);

/** Keys of an old program's goal that have a field of their own; everything else is `details`. */
export const GOAL_FIELD_KEYS: ReadonlySet<string> = new Set([
  'thread_id',
  'goal_id',
  'objective',
  'status',
  'token_budget',
  'tokens_used',
  'time_used_seconds',
  'continuation_count',
  'created_at',
  'updated_at',
]);

const countSchema = z.int().min(0);

export const goalUpsertSchema = z
  .strictObject({
    scope: goalScopeSchema,
    /** The thread or session that the goal belongs to; it has one goal at a time. */
    ownerId: idSchema,
    /** Another id than the stored one begins a new goal, with nothing of the old one in it. */
    goalId: idSchema.optional(),
    /** 1 to 8192 characters; a new goal needs one. */
    objective: textSchema
      .refine((text) => text.trim() !== '' && Array.from(text.trim()).length <= 8192, {
        error: 'an objective has 1 to 8192 characters',
      })
      .optional(),
    status: goalStatusSchema.optional(),
    tokenBudget: countSchema.nullable().optional(),
    tokensUsed: countSchema.optional(),
    timeUsedSeconds: countSchema.optional(),
    continuationCount: countSchema.optional(),
    /** Anything else. Laid over what is there, key by key. */
    details: detailsSchema(GOAL_FIELD_KEYS).optional(),
  })
  .refine((goal) => goal.scope !== 'session' || goal.goalId === undefined, {
    error: 'the goal of a session has no id',
    path: ['goalId'],
  });

export const goalUsageSchema = z.strictObject({
  tokens: countSchema.default(0),
  seconds: countSchema.default(0),
});

export const goalListSchema = z.strictObject({
  scope: goalScopeSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export type GoalScope = z.output<typeof goalScopeSchema>;
export type GoalStatus = z.output<typeof goalStatusSchema>;
export type GoalUpsert = z.input<typeof goalUpsertSchema>;
export type GoalUsage = z.input<typeof goalUsageSchema>;
export type GoalListOptions = z.input<typeof goalListSchema>;

/** A goal as lists show it. Times are RFC 3339. */
export interface GoalSummary {
  /** The scope, a slash, the owner's id. */
  id: string;
  scope: GoalScope;
  ownerId: string;
  objective: string;
  /** `paused` where the stored word is none of these. */
  status: GoalStatus;
  updatedAt: string;
  /** The device that made it, or `import`. */
  device: string;
}

export interface Goal extends GoalSummary {
  /** None for the goal of a session. */
  goalId: string | null;
  tokenBudget: number | null;
  tokensUsed: number;
  timeUsedSeconds: number;
  continuationCount: number;
  /** None for the goal of a session. */
  createdAt: string | null;
  /** What has no field of its own, such as `pause_reason`. */
  details: Record<string, unknown>;
}
