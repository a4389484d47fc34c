import * as z from 'zod';
import { jsonCopySchema } from './json-schema.ts';
import { cursorSchema, limitSchema, textSchema, timeSchema } from './validate.ts';

const eventSchema = textSchema.pipe(z.string().min(1));

export const auditAppendSchema = z.strictObject({
  /** What happened, such as `tool.approval.prompted`. */
  event: eventSchema,
  details: jsonCopySchema.default(null),
});

export const auditListSchema = z.strictObject({
  event: eventSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitSchema,
  cursor: cursorSchema,
});

export type AuditAppend = z.input<typeof auditAppendSchema>;
export type AuditListOptions = z.input<typeof auditListSchema>;

export interface AuditEntry {
  id: string;
  event: string;
  /** RFC 3339. */
  at: string;
  details: unknown;
  /** The device on which it happened, or `import`. */
  device: string;
}
