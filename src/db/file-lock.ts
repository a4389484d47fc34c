import { closeSync, openSync } from 'node:fs';
import { BusyError, FileSystemError } from '../errors.ts';
import { Connection } from './connection.ts';

/**
 * Takes an exclusive lock, among all threads and processes of this machine.
 *
 * It is SQLite's own on an empty file, which the operating system gives up when the process ends in
 * whatever way. A file with a process id in it would have to be judged after a crash, and two that
 * judge at the same moment can both come to hold it.
 *
 * @returns gives the lock up; undefined where another holds it
 * @throws `FileSystemError` the file cannot be made
 */
export function lockFile(path: string): (() => void) | undefined {
  makeFile(path);
  const connection = new Connection(path, { busyWaitMs: 0, readOnly: false });
  try {
    connection.exec('begin exclusive');
  } catch (error) {
    connection.close();
    if (error instanceof BusyError) return undefined;
    throw error;
  }
  return () => {
    connection.exec('rollback');
    connection.close();
  };
}

/** For its owner only; SQLite would make it readable to all. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new FileSystemError(`${path} cannot be written`, error);
  }
}
