import { closeSync, openSync } from 'node:fs';
import { Connection } from '../db/connection.ts';
import { BusyError, FileSystemError, HubRunningError } from '../errors.ts';

/**
 * Makes this process the only one that hosts a hub from the folder: sqld itself takes no lock, and
 * a second one would ruin the data.
 *
 * The lock is SQLite's own on an empty file, which the operating system gives up when the process
 * ends in whatever way. A file with a process id in it would have to be judged after a crash, and two
 * that judge at the same moment can both come to hold it.
 *
 * @returns gives the lock up
 * @throws `HubRunningError` another process holds it
 */
export function lockHub(path: string, dir: string): () => void {
  makeFile(path);
  const connection = new Connection(path, { busyWaitMs: 0, readOnly: false });
  try {
    connection.exec('begin exclusive');
  } catch (error) {
    connection.close();
    if (error instanceof BusyError) throw new HubRunningError(`a hub runs from ${dir} already`);
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
