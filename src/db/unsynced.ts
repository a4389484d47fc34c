import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFailure } from './file-failure.ts';
import { syncFolder } from './sync-folder.ts';

const markOf = (path: string) => `${path}.unsynced`;

/**
 * Notes beside a store that commits do not wait for the disk: then a power cut may leave gaps in the
 * log, with whole commits behind them, that must not be taken for damage.
 */
export function noteUnsynced(path: string): void {
  if (isUnsynced(path)) return;
  try {
    closeSync(openSync(markOf(path), 'a', 0o600));
    syncFolder(dirname(path));
  } catch (error) {
    throw fileFailure(`the folder of the store, ${dirname(path)}, cannot be written`, error);
  }
}

/** Whether the log may have such gaps. */
export function isUnsynced(path: string): boolean {
  return existsSync(markOf(path));
}

/** To be called when all of the log is on the disk, and later commits wait for it. */
export function forgetUnsynced(path: string): void {
  rmSync(markOf(path), { force: true });
}
