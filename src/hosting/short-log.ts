import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HubFolder } from './hub-folder.ts';

/** What sqld (before 0.24.33) says of a replication log that is shorter than it says itself. */
const SHORT = 'failed to fill whole buffer';

/**
 * Removes the replication log of a hub that could not start because of it, as a power cut may leave
 * it. It is derived from the database, and sqld makes it anew; copies of the hub are then read whole.
 */
export function dropShortLog(folder: HubFolder): void {
  if (!existsSync(folder.log) || !readFileSync(folder.log, 'utf8').includes(SHORT)) return;
  rmSync(join(folder.data, 'dbs', 'default', 'wallog'), { force: true });
}
