import * as z from 'zod';
import type { SyncStatus } from './status.ts';

/** What `Sync.on` tells of, with what. */
export interface SyncEvents {
  status: [SyncStatus];
  applied: [number];
}

export const eventSchema = z.enum(['status', 'applied']);
export const listenerSchema = z.custom<unknown>((value) => typeof value === 'function', {
  error: 'a function',
});
