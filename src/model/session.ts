import { createHash } from 'node:crypto';
import * as z from 'zod';
import { jsonObjectSchema, jsonSchema } from './json-schema.ts';
import {
  cursorSchema,
  idSchema,
  limitSchema,
  textSchema,
  timeSchema,
  workspaceSchema,
} from './validate.ts';

// Controls, bidirectional marks and zero-width characters can hide what a title says.
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const TITLE_LENGTH_MAX = 100;

/** A title as a person sets it: invisible characters removed, trimmed, 1 to 100 characters. */
export const titleSchema = textSchema
  .transform((text) => text.replace(/\s+/g, ' ').replace(INVISIBLE, '').trim())
  .refine((text) => text !== '' && Array.from(text).length <= TITLE_LENGTH_MAX, {
    error: `a title has 1 to ${TITLE_LENGTH_MAX} visible characters`,
  });

/** Names that mean something else in the folder of sessions, also in that of an export. */
const RESERVED_IDS = ['session_boot_owners', 'latest', 'offline_queue'];
const newSessionIdSchema = idSchema.refine((id) => !RESERVED_IDS.includes(id), {
  error: `no session may have the id ${RESERVED_IDS.join(', ')}`,
});

export const sessionCreateSchema = z.strictObject({
  /** A ULID unless given. */
  id: newSessionIdSchema.optional(),
  title: titleSchema.default('New Session'),
  /** The folder that the session works in. */
  workspace: workspaceSchema,
  model: textSchema.default('auto'),
  parentId: idSchema.nullable().default(null),
  createdAt: timeSchema.optional(),
  /** Anything else, kept as it is. */
  details: jsonObjectSchema.default({}),
});

export const sessionUpdateSchema = z.strictObject({
  title: titleSchema.optional(),
  workspace: workspaceSchema.optional(),
  model: textSchema.optional(),
  /** Replaces the details as a whole. */
  details: jsonObjectSchema.optional(),
});

export const sessionListSchema = z.strictObject({
  /** A folder, as an absolute path of this device or as a session shows it. */
  workspace: workspaceSchema.optional(),
  archived: z.enum(['exclude', 'only', 'include']).default('exclude'),
  /** Only the deleted ones. */
  deleted: z.boolean().default(false),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  sort: z.enum(['updated', 'created', 'title', 'messages']).default('updated'),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const messageSchema = z.looseObject({
  role: textSchema.pipe(z.string().min(1)),
  /** Text, or a list of blocks as the model's provider takes them. */
  content: z.union([z.string(), z.array(jsonSchema)]),
});

export const appendSchema = z.strictObject({
  /** The message to go on from; by default the last one that this handle saw. */
  parent: idSchema.nullable().optional(),
});

export const messagesSchema = z.strictObject({
  /** The end of the branch to read; by default the current one. */
  leaf: idSchema.optional(),
  limit: limitSchema.default(1000),
  cursor: cursorSchema,
});

export const forkSchema = z.strictObject({
  title: titleSchema.optional(),
  /** The last message that the fork takes over; by default the current one. */
  at: idSchema.optional(),
});

export type SessionCreate = z.input<typeof sessionCreateSchema>;
export type SessionUpdate = z.input<typeof sessionUpdateSchema>;
export type SessionListOptions = z.input<typeof sessionListSchema>;
export type Message = z.input<typeof messageSchema>;

/** A session as lists show it: no messages, no details. Times are RFC 3339. */
export interface SessionSummary {
  id: string;
  title: string;
  /**
   * The folder: this device's own for a session of another one that works in the same place of the
   * same git repository, where one is known here; else as its device has it.
   */
  workspace: string;
  model: string;
  createdAt: string;
  updatedAt: string;
  archivedAt: string | null;
  deletedAt: string | null;
  messageCount: number;
  parentId: string | null;
  /** The device that made it, or `import`. */
  device: string;
  /**
   * Where the newest messages are not on the current branch, because this device has messages of its own
   * there or its user chose it: the branch that they are on, and how many of its messages are not on
   * the current one. `updatedAt` is null where an imported message tells no time.
   */
  newerBranch?: Pick<SessionBranch, 'leaf' | 'messageCount' | 'updatedAt'>;
}

export interface Session extends SessionSummary {
  details: Record<string, unknown>;
}

export interface SessionMessage {
  id: string;
  sessionId: string;
  parentId: string | null;
  role: string;
  createdAt: string | null;
  content: unknown;
  device: string;
}

export interface SessionBranch {
  /** The last message of the branch. */
  leaf: string;
  messageCount: number;
  updatedAt: string | null;
  /** Whether this device is on it; true of one where it is on any. */
  current: boolean;
  /** The message where this device is, where that is not the last of its branch. */
  currentMessage?: string;
}

/**
 * The id of a message that has none of its own, from what it is: importing the same file twice, or
 * on two machines, gives the same rows.
 *
 * @param twin - 0, or how many siblings with the same content came before
 */
export function messageId(
  sessionId: string,
  parentId: string | null,
  body: string,
  twin = 0,
): string {
  return createHash('sha256')
    .update(messageIdHead(sessionId, parentId, twin))
    .update(body)
    .digest('hex')
    .slice(0, 32);
}

/** What is hashed before the body, see {@link messageId}. */
export function messageIdHead(sessionId: string, parentId: string | null, twin = 0): string {
  return JSON.stringify([sessionId, parentId, twin]);
}
