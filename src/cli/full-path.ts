import { resolve } from 'node:path';
import { UsageError } from './failure.ts';

/** @throws `UsageError` the path is meant from the current folder, and somebody has removed that */
export function fullPath(path: string): string {
  try {
    return resolve(path);
  } catch {
    throw new UsageError(
      'the current folder was removed',
      'Go to another one, or give full paths.',
    );
  }
}
