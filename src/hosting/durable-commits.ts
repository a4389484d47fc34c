import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFile, syncFolder } from '../db/sync-folder.ts';
import { HubStartError } from '../errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * Makes sqld sync its log at every commit, and reads back that it does: by default it loses
 * acknowledged commits at a power cut. It forgets the setting when it ends, so this belongs to every
 * start (measured with 0.24.32, one namespace).
 *
 * @param admin - the address of its admin interface
 * @throws `HubStartError` it does not take the setting
 */
export async function makeCommitsDurable(admin: string, adminKey: string): Promise<void> {
  const wanted = { block_reads: false, block_writes: false, durability_mode: 'strong' };
  await ask(admin, adminKey, { method: 'POST', body: JSON.stringify(wanted) });
  const config = await ask(admin, adminKey, {}).then((response) => response.json());
  if ((config as { durability_mode?: unknown }).durability_mode !== 'strong') {
    throw new HubStartError('sqld does not make its commits durable');
  }
}

/**
 * Brings the files and folders that sqld has made at its start to the disk, which it does for its
 * databases only: a power cut could take a folder away with all that was synced in it, or empty a
 * file without which it does not start. To be called when it is ready.
 */
export function makeFolderDurable(folder: string): void {
  syncFolder(dirname(folder));
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeFolderDurable(path);
    else if (entry.isFile()) syncIfThere(path);
  }
  syncFolder(folder);
}

/** Some of its files come and go. */
function syncIfThere(file: string): void {
  try {
    syncFile(file);
  } catch (error) {
    if (existsSync(file)) throw error;
  }
}

async function ask(admin: string, adminKey: string, init: RequestInit): Promise<Response> {
  const response = await fetch(`${admin}/v1/namespaces/default/config`, {
    ...init,
    // The key as it is, not encoded: another scheme than that of RFC 7617.
    headers: { authorization: `basic ${adminKey}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'error',
  });
  if (response.ok) return response;
  throw new HubStartError(`sqld's admin interface answered with status ${response.status}`);
}
