import { resolve } from 'node:path';
import { FileSystemError } from '../errors.ts';

/**
 * The path from the root on, of one that may be meant from the current folder.
 *
 * @throws `FileSystemError` it is, and somebody has removed that folder
 */
export function fullPath(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    const message = 'the current folder was removed: go to another one, or give full paths';
    throw new FileSystemError(message, error);
  }
}
