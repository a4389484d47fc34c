import { expect, it, vi } from 'vitest';
import { startSqld } from '../support/sqld.ts';
import { tempStore } from '../support/temp-store.ts';

it('a loop over watch that is left ends its worker, and another one leads', async () => {
  const { url } = await startSqld();
  const store = await tempStore();
  await store.sync.enable(url, { name: 'a', pull: 'http' });
  const { signal } = new AbortController();
  for await (const _ of store.sync.watch({ signal })) break;
  expect((await store.sync.status()).leader).toBeNull();

  await store.tasks.create({ prompt: 'for the next' });
  const thrown = async () => {
    for await (const report of store.sync.watch({ signal })) throw new Error(`${report.pushed}`);
  };
  await expect(thrown()).rejects.toThrow(/^\d+$/);
  await vi.waitFor(async () => {
    expect((await store.sync.status()).leader).toBeNull();
  });
  expect((await store.sync.status()).pendingRows).toBe(0);
});
