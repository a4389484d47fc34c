import type { Access } from '../connect.ts';
import type { Exchanged } from '../sync-once.ts';
export interface WorkerOptions {
  readonly signal: AbortSignal;
  readonly onStatus?: () => void;
  readonly onApplied?: (count: number) => void;
  readonly onExchanged?: (exchanged: Exchanged, tookMs: number) => void;
}
// placeholder until the worker is there; overwrite this file
export function runWorker(_access: Access, _options: WorkerOptions): Promise<void> {
  return Promise.reject(new Error('no worker yet'));
}
