import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

/** What systems say that cannot sync a folder, or not one that may be written and not listed. */
const CANNOT = new Set(['EACCES', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM']);

/**
 * Brings the names in a folder to the disk. Without it a power cut may take away a file that was
 * made, renamed or deleted just now, although its content was synced.
 *
 * @throws an error of the system when the disk fails
 */
export function syncFolder(folder: string): void {
  try {
    syncPath(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && CANNOT.has(String(error.code))) return;
    throw error;
  }
}

/** Brings the content of a file to the disk. No connection of this process may have it open. */
export function syncFile(file: string): void {
  syncPath(file);
}

/** Renames within a folder, in place of what has the name now, and stays so after a power cut. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

function syncPath(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
