import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../db/sync-folder.ts';
import { FileSystemError } from '../errors.ts';

/** The file as text; undefined where there is none. @throws `FileSystemError` */
export function readPrivate(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new FileSystemError(`${path} cannot be read`, error);
  }
}

/** Writes the file whole or not at all, for its owner only, in place of what is there. */
export function replacePrivate(path: string, text: string): void {
  writeBeside(path, text, (temporary) => {
    renameSync(temporary, path);
  });
}

/**
 * The file as it is, or, where there is none, what is written into it now. Of several processes at
 * once one makes it and all get the same text.
 */
export function readOrMakePrivate(path: string, make: () => string): string {
  const existing = readPrivate(path);
  if (existing !== undefined) return existing;
  const text = make();
  writeBeside(path, text, (temporary) => {
    try {
      // Unlike a rename it never replaces.
      linkSync(temporary, path);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
  });
  return readPrivate(path) ?? text;
}

function writeBeside(path: string, text: string, place: (temporary: string) => void): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    place(temporary);
    syncFolder(dirname(path));
  } catch (error) {
    throw new FileSystemError(`${path} cannot be written`, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
