import * as z from 'zod';
import { eventSchema, type RuntimeEvent } from './event.ts';
import { jsonCopySchema } from './json-schema.ts';
import { detailsSchema } from './record-body.ts';
import { titleSchema } from './session.ts';
import {
  cursorSchema,
  idSchema,
  limitSchema,
  textSchema,
  timeSchema,
  workspaceSchema,
} from './validate.ts';

export const runtimeStatusSchema = z.enum([
  'queued',
  'in_progress',
  'completed',
  'failed',
  'interrupted',
  'canceled',
]);

const endedStatusSchema = runtimeStatusSchema.exclude(['queued', 'in_progress']);

export const runtimeItemKindSchema = z.enum([
  'user_message',
  'agent_message',
  'agent_reasoning',
  'tool_call',
  'file_change',
  'command_execution',
  'context_compaction',
  'status',
  'error',
]);

/** Members of an old program's thread that have a field of their own; all others are details. */
export const RUNTIME_THREAD_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'created_at',
  'updated_at',
  'model',
  'workspace',
  'mode',
  'latest_turn_id',
  'archived',
  'task_id',
  'title',
  'session_id',
]);

export const RUNTIME_TURN_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'thread_id',
  'status',
  'input_summary',
  'created_at',
  'started_at',
  'ended_at',
  'error',
]);

export const RUNTIME_ITEM_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'turn_id',
  'kind',
  'status',
  'summary',
  'detail',
  'metadata',
  'artifact_refs',
  'started_at',
  'ended_at',
]);

export const runtimeThreadCreateSchema = z.strictObject({
  /** `thr_` and a ULID unless given. */
  id: idSchema.optional(),
  title: titleSchema.nullable().default(null),
  /** The folder that the thread works in. */
  workspace: workspaceSchema,
  model: textSchema.default('auto'),
  mode: textSchema.default('agent'),
  sessionId: idSchema.nullable().default(null),
  /** The task that runs in it. */
  taskId: idSchema.nullable().default(null),
  createdAt: timeSchema.optional(),
  /** Anything else, kept as it is. */
  details: detailsSchema(RUNTIME_THREAD_FIELDS).default({}),
});

export const runtimeThreadUpdateSchema = z.strictObject({
  /** `null` or an empty text takes the title away. */
  title: z
    .union([z.literal('').transform(() => null), titleSchema], {
      error: 'a title has at most 100 visible characters',
    })
    .nullable()
    .optional(),
  workspace: workspaceSchema.optional(),
  model: textSchema.optional(),
  mode: textSchema.optional(),
  sessionId: idSchema.nullable().optional(),
  taskId: idSchema.nullable().optional(),
  latestTurnId: idSchema.nullable().optional(),
  archived: z.boolean().optional(),
  /** Replaces the details as a whole. */
  details: detailsSchema(RUNTIME_THREAD_FIELDS).optional(),
});

export const runtimeThreadListSchema = z.strictObject({
  workspace: workspaceSchema.optional(),
  archived: z.enum(['exclude', 'only', 'include']).default('exclude'),
  /** Only the deleted ones. */
  deleted: z.boolean().default(false),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const runtimePageSchema = z.strictObject({ limit: limitSchema, cursor: cursorSchema });

export const runtimeItemSchema = z.strictObject({
  /** `item_` and a ULID unless given. An item that has it already is changed. */
  id: idSchema.optional(),
  /** A new item needs one. */
  kind: runtimeItemKindSchema.optional(),
  /** `in_progress` for a new item unless given. */
  status: runtimeStatusSchema.optional(),
  summary: textSchema.optional(),
  /** The whole text: a message, a thought, what a tool said. `null` takes it away. */
  detail: z.string().nullable().optional(),
  /** Any JSON value; `null` takes it away. */
  metadata: jsonCopySchema.optional(),
  artifactRefs: z.array(z.string()).optional(),
  startedAt: timeSchema.optional(),
  endedAt: timeSchema.optional(),
  /** Anything else; replaces the details as a whole. */
  details: detailsSchema(RUNTIME_ITEM_FIELDS).optional(),
});

export const turnStartSchema = z.strictObject({
  /** `turn_` and a ULID unless given. */
  id: idSchema.optional(),
  status: runtimeStatusSchema.extract(['queued', 'in_progress']).default('in_progress'),
  inputSummary: textSchema.default(''),
  /** What the user said: a completed `user_message` unless it says otherwise. */
  userItem: runtimeItemSchema.optional(),
  details: detailsSchema(RUNTIME_TURN_FIELDS).default({}),
});

export const turnFinishSchema = z.strictObject({
  status: endedStatusSchema.default('completed'),
  error: textSchema.nullable().optional(),
  /** Now unless given. */
  endedAt: timeSchema.optional(),
  /** Items to save in the same transaction. Others of the turn stay as they are. */
  items: z.array(runtimeItemSchema).default([]),
  /** Laid over the details of the turn, key by key: usage, say. */
  details: detailsSchema(RUNTIME_TURN_FIELDS).default({}),
});

export const turnSaveSchema = z.strictObject({
  turn: z.strictObject({
    /** `turn_` and a ULID unless given. A turn that has it already is changed. */
    id: idSchema.optional(),
    /** `completed` for a new turn unless given. */
    status: runtimeStatusSchema.optional(),
    inputSummary: textSchema.optional(),
    error: textSchema.nullable().optional(),
    createdAt: timeSchema.optional(),
    startedAt: timeSchema.optional(),
    endedAt: timeSchema.optional(),
    /** Laid over the details that the turn has, key by key. */
    details: detailsSchema(RUNTIME_TURN_FIELDS).default({}),
  }),
  /** Their status is `completed` unless given when the turn has ended. */
  items: z.array(runtimeItemSchema).default([]),
  /** Written as they are, and no others. They belong to the turn unless they name another one. */
  events: z.array(eventSchema).default([]),
  /** The same for one event. */
  event: eventSchema.optional(),
});

export const runtimeThreadForkSchema = z.strictObject({
  /** The last turn that the fork takes over; by default the last one that has ended. */
  atTurn: idSchema.optional(),
  title: titleSchema.nullable().optional(),
});

export const recoverSchema = z.strictObject({
  /** Takes over imported work, too: work of the old program that was under way when it was read. */
  imported: z.boolean().default(false),
});

export type RuntimeStatus = z.output<typeof runtimeStatusSchema>;
export type RuntimeThreadCreate = z.input<typeof runtimeThreadCreateSchema>;
export type RuntimeThreadUpdate = z.input<typeof runtimeThreadUpdateSchema>;
export type RuntimeThreadListOptions = z.input<typeof runtimeThreadListSchema>;
export type RuntimeItemInput = z.input<typeof runtimeItemSchema>;
export type CheckedRuntimeItem = z.output<typeof runtimeItemSchema>;
export type TurnStart = z.input<typeof turnStartSchema>;
export type TurnFinish = z.input<typeof turnFinishSchema>;
export type CheckedTurnFinish = z.output<typeof turnFinishSchema>;
export type TurnSave = z.input<typeof turnSaveSchema>;
export type CheckedTurnSave = z.output<typeof turnSaveSchema>;
export type RuntimeThreadFork = z.input<typeof runtimeThreadForkSchema>;
export type RecoverOptions = z.input<typeof recoverSchema>;
export type RuntimePageOptions = z.input<typeof runtimePageSchema>;

/** A runtime thread as lists show it. Times are RFC 3339. */
export interface RuntimeThreadSummary {
  id: string;
  title: string | null;
  workspace: string;
  model: string;
  mode: string;
  sessionId: string | null;
  taskId: string | null;
  latestTurnId: string | null;
  archived: boolean;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
  /** The device that made it, or `import`. */
  device: string;
}

export interface RuntimeThread extends RuntimeThreadSummary {
  /** What has no field of its own, by the names of the old program: `system_prompt`, … */
  details: Record<string, unknown>;
}

export interface RuntimeTurnSummary {
  id: string;
  threadId: string;
  status: string;
  attempt: number;
  inputSummary: string;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  /** The device that runs it and alone recovers it, or `import`. */
  owner: string;
  device: string;
}

export interface RuntimeTurn extends RuntimeTurnSummary {
  details: Record<string, unknown>;
}

export interface RuntimeItem {
  id: string;
  turnId: string;
  kind: string;
  status: string;
  summary: string;
  detail: string | null;
  metadata: unknown;
  artifactRefs: string[];
  startedAt: string | null;
  endedAt: string | null;
  device: string;
  details: Record<string, unknown>;
}

export interface SavedTurn {
  turn: RuntimeTurn;
  items: RuntimeItem[];
  events: RuntimeEvent[];
}
