import * as z from 'zod';
import { jsonObjectSchema } from './json-schema.ts';
import { cursorSchema, idSchema, limitSchema } from './validate.ts';

/** A turn in flight, or a queue of input, as a JSON object. */
export const documentSchema = jsonObjectSchema;

/** The empty id is the single slot that old versions had for all sessions. */
export const queueSessionSchema = z.union([z.literal(''), idSchema]);

export const documentListSchema = z.strictObject({
  limit: limitSchema,
  cursor: cursorSchema,
});

export type LocalDocument = Record<string, unknown>;
export type DocumentListOptions = z.input<typeof documentListSchema>;

/** Times are RFC 3339. */
export interface CheckpointSummary {
  /** What `load` and `clear` take: the session's id, or `latest` for the single slot of old versions. */
  id: string;
  sessionId: string;
  savedAt: string;
}

/** Times are RFC 3339. */
export interface OfflineQueueSummary {
  /** Empty for the single slot of old versions. */
  sessionId: string;
  savedAt: string;
}
