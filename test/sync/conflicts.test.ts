import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SyncDevice } from '../support/sync-device.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const DAY = 24 * 60 * 60_000;

async function three(clock: () => number = Date.now) {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub, { now: clock });
  const b = await syncDevice('b', hub);
  const c = await syncDevice('c', hub);
  const { id } = await b.store.sessions.create({ title: 'one', workspace: '/w' });
  for (const one of [b, a, c]) await one.sync();
  const rename = async (device: SyncDevice, title: string) => {
    await device.store.sessions.rename(id, title);
    await device.sync();
  };
  return { a, b, c, id, rename };
}

const lost = async ({ store }: SyncDevice) =>
  (await store.sync.conflicts()).items.map(
    ({ lost }) => (lost as { title?: string }).title ?? lost,
  );

describe('what is listed as a conflict', () => {
  it('is no edit that was made knowing the others, however many of them a device has missed', async () => {
    const { a, b, c, id, rename } = await three();
    await rename(a, 'two');
    await c.sync();
    for (const title of ['three', 'four']) {
      await b.sync();
      await rename(b, title);
    }
    await a.sync();
    await rename(a, 'five');
    await rename(a, 'six');
    await b.sync();
    await rename(b, 'seven');
    for (const one of [c, a, b]) await one.sync();
    for (const one of [a, b, c]) {
      expect((await one.store.sessions.get(id)).title).toBe('seven');
      expect(await lost(one)).toEqual([]);
    }
  });

  it('is an edit that the next one knew nothing of, on every device that had it', async () => {
    const { a, b, c, id, rename } = await three();
    await rename(a, 'by a');
    await c.sync();
    await b.store.sessions.rename(id, 'by b');
    await b.sync();
    // Made on top of what b had: that it lost stays to be seen on those who come late.
    await rename(b, 'by b again');
    for (const one of [a, c]) await one.sync();
    expect((await c.store.sessions.get(id)).title).toBe('by b again');
    const seen = await Promise.all([a, b, c].map(lost));
    expect(seen.flat()).toContain('by a');
  });

  it('is not what two devices say alike', async () => {
    const { a, b, c, id } = await three();
    await a.store.sessions.archive(id);
    await b.store.sessions.archive(id);
    await a.store.sessions.rename(id, 'the same');
    await b.store.sessions.rename(id, 'the same');
    for (const one of [a, b, c, a]) await one.sync();
    for (const one of [a, b, c]) expect(await lost(one)).toEqual([]);
  });

  it('is no edit that had to be stamped anew because a clock was wrong', async () => {
    const { a, b, c, id, rename } = await three(() => Date.now() + DAY);
    await rename(a, 'from tomorrow');
    for (const one of [b, c]) await one.sync();
    for (const one of [a, b, c]) {
      expect((await one.store.sessions.get(id)).title).toBe('from tomorrow');
      expect(await lost(one)).toEqual([]);
    }
  });

  it('is an edit of a store whose copy went on under its name', async () => {
    const { a, id, rename } = await three();
    const copied = join(tempFolder(), 'copy.db');
    await a.store.backup(copied);
    await rename(a, 'by the first');
    const copy = await syncDevice('copy', a.exchange.hub, { path: copied });
    // Both under the name of a: the hub tells only later that this is another store.
    await copy.store.sessions.rename(id, 'by the copy');
    await copy.store.sessions.rename(id, 'by the copy again');
    for (const one of [copy, a]) await one.sync();
    expect((await a.store.sessions.get(id)).title).toBe('by the copy again');
    expect(await lost(a)).toEqual(['by the first']);
  });
});
