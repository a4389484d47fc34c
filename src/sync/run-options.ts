import * as z from 'zod';
import type { Progress } from './sync-once.ts';
import type { SyncNotice } from './worker/notices.ts';

/** What `Sync.now` takes. */
export interface NowOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** What `Sync.watch` takes. */
export interface WatchOptions {
  signal: AbortSignal;
  onNotice?: ((notice: SyncNotice) => void) | undefined;
}

const signalSchema = z.instanceof(AbortSignal, { error: 'an AbortSignal' });

function callback<Value>() {
  const isFunction = (value: unknown) => typeof value === 'function';
  return z.custom<(value: Value) => void>(isFunction, { error: 'a function' }).optional();
}

export const nowSchema: z.ZodType<NowOptions> = z.strictObject({
  signal: signalSchema.optional(),
  onProgress: callback<Progress>(),
});

export const watchSchema: z.ZodType<WatchOptions> = z.strictObject({
  signal: signalSchema,
  onNotice: callback<SyncNotice>(),
});
