import { describe, expect, it, vi } from 'vitest';
import { builtLibrary } from '../../support/built-library.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder, tempStore } from '../../support/temp-store.ts';
import { join } from 'node:path';
import type { openStore as open } from '../../../src/index.ts';

/** The library as it is built: its sources alone have no thread to start. */
const built = import(await builtLibrary()) as Promise<{ openStore: typeof open }>;

async function builtStore(options: Parameters<typeof open>[0] = {}) {
  const { openStore } = await built;
  return openStore({ path: join(tempFolder(), 'store.db'), ...options });
}

describe('Sync', () => {
  it('refuses events that there are not, and what is no function', async () => {
    const { sync } = await tempStore();
    const listener = () => undefined;
    const invalid = expect.objectContaining({ code: 'INVALID_INPUT' }) as Error;
    expect(() => sync.on('nope' as 'status', listener)).toThrow(invalid);
    expect(() => sync.off('nope' as 'status', listener)).toThrow(invalid);
    expect(() => sync.on('status', 'listener' as never)).toThrow(invalid);
    expect(sync.on('status', listener).off('status', listener)).toBe(sync);
  });

  it('starts its worker while it is off, which waits for it to be turned on', async () => {
    const sqld = await startSqld();
    const store = await builtStore();
    try {
      await Promise.all([store.sync.start(), store.sync.start()]);
      await store.tasks.create({ prompt: 'one' });
      await store.sync.enable(sqld.url, { encryption: false });
      await vi.waitFor(
        async () => {
          const { pendingRows, lastSyncAt } = await store.sync.status();
          expect([pendingRows, lastSyncAt !== null]).toEqual([0, true]);
        },
        { timeout: 20_000, interval: 20 },
      );
    } finally {
      await store.close();
    }
  });

  it('starts no worker for a store that is closed, or was opened read-only', async () => {
    const store = await builtStore();
    const { path } = store;
    await store.close();
    await expect(store.sync.start()).rejects.toMatchObject({ code: 'CLOSED' });
    const reading = await builtStore({ path, readOnly: true });
    await expect(reading.sync.start()).rejects.toMatchObject({ code: 'READ_ONLY' });
    await reading.close();
  });
});
