import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cws-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A new store in a folder of its own, closed and removed after the test. */
export async function tempStore(options: StoreOptions = {}): Promise<Store> {
  const store = await openStore({ path: join(tempFolder(), 'store.db'), ...options });
  onTestFinished(() => store.close());
  return store;
}
