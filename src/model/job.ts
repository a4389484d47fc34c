import * as z from 'zod';
import { detailsSchema } from './record-body.ts';
import { cursorSchema, idSchema, limitSchema, textSchema, timeSchema } from './validate.ts';

export const jobStatusSchema = z.enum([
  'queued',
  'running',
  'paused',
  'completed',
  'failed',
  'cancelled',
]);

/** Keys of an old program's row that stand in columns; everything else of the row is `details`. */
export const JOB_COLUMN_KEYS: ReadonlySet<string> = new Set([
  'id',
  'name',
  'status',
  'progress',
  'created_at',
  'updated_at',
]);

export const jobUpsertSchema = z.strictObject({
  /** A ULID unless given. */
  id: idSchema.optional(),
  /** A new job needs one. */
  name: textSchema.optional(),
  status: jobStatusSchema.optional(),
  progress: z.int().min(0).max(255).nullable().optional(),
  createdAt: timeSchema.optional(),
  /** Unless given, when something of it changed last. One that is given is of this device. */
  updatedAt: timeSchema.optional(),
  /** Anything else. Laid over what is there, key by key. */
  details: detailsSchema(JOB_COLUMN_KEYS).optional(),
});

export const jobListSchema = z.strictObject({
  status: jobStatusSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export type JobStatus = z.output<typeof jobStatusSchema>;
export type JobUpsert = z.input<typeof jobUpsertSchema>;
export type JobListOptions = z.input<typeof jobListSchema>;

/** A job as lists show it. Times are RFC 3339. */
export interface JobSummary {
  id: string;
  name: string;
  /** `queued` where the stored word is none of these. */
  status: JobStatus;
  /** 0 to 255, or none. */
  progress: number | null;
  createdAt: string;
  updatedAt: string;
  /** The device that made it, or `import`. */
  device: string;
}

export interface Job extends JobSummary {
  /** What has no field of its own; the text `detail` of an imported job is one of them. */
  details: Record<string, unknown>;
}
