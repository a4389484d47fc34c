import * as z from 'zod';
import { jsonSchema } from './json-schema.ts';
import { idSchema, timeSchema } from './validate.ts';

/** The old program read its logs in batches of 256, and at most this many from the end. */
const EVENTS_MAX = 4096;

export const eventSchema = z.strictObject({
  /** `turn.started`, `item.delta`, … or a name of your own. */
  type: z.string().regex(/^[A-Za-z0-9_.:-]{1,100}$/, {
    error: 'an event type has 1 to 100 letters, digits and _ . : -',
  }),
  payload: jsonSchema.optional(),
  turnId: idSchema.nullable().optional(),
  itemId: idSchema.nullable().optional(),
  /** Now unless given. */
  at: timeSchema.optional(),
});

export const eventsSchema = z.array(eventSchema);

export const eventSeqSchema = z.int().min(0);

export const eventSinceSchema = z.strictObject({
  limit: z.int().min(1).max(EVENTS_MAX).default(256),
});

export const eventTailSchema = z.int().min(0).max(EVENTS_MAX);

export const eventFollowSchema = z.strictObject({
  /** Ends the iteration, without an error. */
  signal: z.instanceof(AbortSignal).optional(),
});

export type EventInput = z.input<typeof eventSchema>;
export type CheckedEvent = z.output<typeof eventSchema>;
export type FollowOptions = z.input<typeof eventFollowSchema>;

/** What happened in a runtime thread. Times are RFC 3339. */
export interface RuntimeEvent {
  id: string;
  threadId: string;
  turnId: string | null;
  itemId: string | null;
  /** The order of arrival on this device, from 1, without gaps within a thread. */
  seq: number;
  type: string;
  at: string;
  /** The device that wrote it, or `import`. */
  device: string;
  payload: unknown;
}

export interface EventPage {
  items: RuntimeEvent[];
  /** Give it to `since` or `follow` to go on after the last of these. */
  nextSeq: number;
}
