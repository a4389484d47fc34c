import * as z from 'zod';
import { jsonCopySchema } from './json-schema.ts';
import { detailsSchema } from './record-body.ts';
import {
  cursorSchema,
  idSchema,
  limitSchema,
  textSchema,
  timeSchema,
  workspaceSchema,
} from './validate.ts';

export const threadStatusSchema = z.enum([
  'running',
  'idle',
  'completed',
  'failed',
  'paused',
  'archived',
]);

export const threadSourceSchema = z.enum(['interactive', 'resume', 'fork', 'api', 'unknown']);

/**
 * Keys of an old program's row that stand in columns, or in the place of the thread on this device.
 * Everything else of the row is `details`.
 */
export const THREAD_COLUMN_KEYS: ReadonlySet<string> = new Set([
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
  'current_leaf_id',
]);

export const threadUpsertSchema = z.strictObject({
  /** A ULID unless given. */
  id: idSchema.optional(),
  /** `null` takes the title away. */
  title: textSchema.nullable().optional(),
  preview: textSchema.optional(),
  modelProvider: textSchema.optional(),
  /** The folder that the thread works in; a new thread needs one. */
  cwd: workspaceSchema.optional(),
  source: threadSourceSchema.optional(),
  status: threadStatusSchema.optional(),
  createdAt: timeSchema.optional(),
  /**
   * Unless given, when something of it changed last, or its status was set here. One that is given is of
   * this device.
   */
  updatedAt: timeSchema.optional(),
  /** Anything else. Laid over what is there, key by key; `null` is a value like any other. */
  details: detailsSchema(THREAD_COLUMN_KEYS).optional(),
});

export const threadListSchema = z.strictObject({
  cwd: workspaceSchema.optional(),
  archived: z.enum(['exclude', 'only', 'include']).default('exclude'),
  /** Only the deleted ones. */
  deleted: z.boolean().default(false),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const threadMessageSchema = z.strictObject({
  role: textSchema.pipe(z.string().min(1)),
  content: z.string(),
  /** The message as the model's provider has it. */
  item: jsonCopySchema.default(null),
});

export const threadMessagesSchema = z.strictObject({
  /** The end of the branch to read; by default the current one. */
  leaf: idSchema.optional(),
  limit: limitSchema.default(500),
  cursor: cursorSchema,
});

export const threadToolsSchema = z.array(
  z.strictObject({
    name: textSchema,
    description: textSchema.nullable().default(null),
    /** JSON schema of the tool's input. */
    inputSchema: jsonCopySchema,
  }),
);

export const threadCheckpointListSchema = z.strictObject({
  limit: limitSchema,
  cursor: cursorSchema,
});

export type ThreadStatus = z.output<typeof threadStatusSchema>;
export type ThreadSource = z.output<typeof threadSourceSchema>;
export type ThreadUpsert = z.input<typeof threadUpsertSchema>;
export type ThreadListOptions = z.input<typeof threadListSchema>;
export type NewThreadMessage = z.input<typeof threadMessageSchema>;
export type ThreadMessagesOptions = z.input<typeof threadMessagesSchema>;
export type ThreadTool = z.output<typeof threadToolsSchema>[number];
export type ThreadCheckpointListOptions = z.input<typeof threadCheckpointListSchema>;

/** A thread as lists show it. Times are RFC 3339. */
export interface ThreadSummary {
  id: string;
  title: string | null;
  preview: string;
  modelProvider: string;
  cwd: string;
  /** `unknown` where the stored word is none of these. */
  source: ThreadSource;
  /** `idle` where the stored word is none of these. */
  status: ThreadStatus;
  archived: boolean;
  archivedAt: string | null;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
  /** The device that made it, or `import`. */
  device: string;
}

export interface Thread extends ThreadSummary {
  /** What has no field of its own, by the names of the old program: `rollout_path`, `git_sha`, … */
  details: Record<string, unknown>;
}

export interface ThreadMessage {
  id: string;
  threadId: string;
  parentId: string | null;
  role: string;
  content: string;
  item: unknown;
  createdAt: string;
  device: string;
}

export interface ThreadLeaf {
  /** The last message of the branch. */
  leaf: string;
  messageCount: number;
  updatedAt: string;
  /** Whether this device is on it; true of one where it is on any. */
  current: boolean;
  /** The message where this device is, where that is not the last of its branch. */
  currentMessage?: string;
}

export interface ThreadCheckpointSummary {
  id: string;
  threadId: string;
  createdAt: string;
  device: string;
}

export interface ThreadCheckpoint extends ThreadCheckpointSummary {
  state: unknown;
}
