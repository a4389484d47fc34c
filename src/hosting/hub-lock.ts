import { lockFile } from '../db/file-lock.ts';
import { HubRunningError } from '../errors.ts';

/**
 * Makes this process the only one that hosts a hub from the folder: sqld itself takes no lock, and
 * a second one would ruin the data.
 *
 * @returns gives the lock up
 * @throws `HubRunningError` another process holds it
 */
export function lockHub(path: string, dir: string): () => void {
  const unlock = lockFile(path);
  if (!unlock) throw new HubRunningError(`a hub runs from ${dir} already`);
  return unlock;
}
