import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileSystemError, StoreError } from '../errors.ts';
import { fileFailure } from './file-failure.ts';
import { syncFolder } from './sync-folder.ts';

/**
 * Makes a folder and what is missing above it, step by step: Node's own `recursive` never returns
 * where the file system says that the parent does not exist although it does, as below /proc. What
 * it made outlives a power cut.
 *
 * @throws `FileSystemError` it cannot be made
 */
export function makeFolder(path: string, mode: number): void {
  try {
    if (isFolder(path)) return;
    const parent = dirname(path);
    if (parent !== path) makeFolder(parent, mode);
    mkdirSync(path, { mode });
    syncFolder(parent);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    // Another process may have been quicker.
    if (isExisting(error) && isFolder(path)) return;
    if (isExisting(error)) throw new FileSystemError(`${path} is a file, and no folder`, error);
    throw fileFailure(`the folder ${path} cannot be made`, error);
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
