import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { agree, device, enable, type Device } from '../faults/devices/group.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { startSqld } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

async function rowsOf(store: Store): Promise<Record<string, number>> {
  const { tables } = await store.sync.verify();
  return Object.fromEntries(Object.entries(tables).map(([name, { rows }]) => [name, rows]));
}

async function imported(name: string, home: string): Promise<Device> {
  const one = await device(name);
  await one.store.import([home]);
  return one;
}

describe('a device that joins with what it has', () => {
  it('makes no duplicates of a home that both imported', async () => {
    const { home } = legacyHome('--seed', '71', '--sessions', '20', '--faults');
    const a = await imported('a', home);
    const b = await imported('b', home);
    const before = await rowsOf(a.store);
    expect(before['sessions']).toBeGreaterThan(10);
    expect(before['runtime_events']).toBeGreaterThan(10);
    expect(await rowsOf(b.store)).toEqual(before);
    const sqld = await startSqld();
    await enable(sqld.url, [a, b]);
    await agree([a, b]);
    expect(await rowsOf(a.store)).toEqual(before);
    expect(await rowsOf(b.store)).toEqual(before);
    expect((await a.store.sync.conflicts()).items).toEqual([]);
    expect((await b.store.sync.conflicts()).items).toEqual([]);
  });

  it('makes none by turning it off and on again, and brings what was written meanwhile', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    const keyFile = await enable(sqld.url, [a, b]);
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
    await agree([a, b]);
    const before = await rowsOf(a.store);
    await a.store.sync.disable();
    expect((await a.store.sync.status()).enabled).toBe(false);
    await expect(a.store.sync.now()).rejects.toMatchObject({ code: 'SYNC_OFF' });
    await a.store.sessions.rename(id, 'renamed while off');
    await b.store.sessions.archive(id);
    await b.sync();
    await enable(sqld.url, [a]);
    await agree([a, b]);
    expect(await rowsOf(b.store)).toEqual(before);
    const held = await b.store.sessions.get(id);
    expect(held.title).toBe('renamed while off');
    expect((await a.store.sessions.get(id)).archivedAt).not.toBeNull();
    expect(keyFile).not.toBe('');
  });

  it('makes none at another hub, which has to be named on purpose', async () => {
    const first = await startSqld();
    const a = await device('a');
    const b = await device('b');
    await enable(first.url, [a]);
    await a.store.sessions.create({ title: 'of a', workspace: '/w' });
    await a.sync();
    const second = await startSqld();
    const keyFile = await enable(second.url, [b]);
    await b.store.sessions.create({ title: 'of b', workspace: '/w' });
    await b.sync();
    const url = second.url;
    await expect(a.store.sync.enable(url, { name: 'a', keyFile })).rejects.toMatchObject({
      code: 'HUB_FOREIGN',
    });
    await a.sync();
    await a.store.sync.enable(url, { name: 'a', keyFile, join: true, pull: 'http' });
    await agree([a, b]);
    expect((await b.store.sessions.list()).items.map(({ title }) => title).sort()).toEqual([
      'of a',
      'of b',
    ]);
  });

  it('fills an empty hub at the same address under the known identity', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    await enable(sqld.url, [a, b]);
    await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await agree([a, b]);
    const fresh = await startSqld();
    for (const { store, name } of [a, b]) {
      await store.sync.enable(fresh.url, { name, pull: 'http' });
    }
    await agree([a, b]);
    const c = await device('c');
    const keyFile = join(tempFolder(), 'hub.key');
    writeFileSync(keyFile, (await a.store.sync.exportKey()).phrase ?? '', { mode: 0o600 });
    await c.store.sync.enable(fresh.url, { name: 'c', pull: 'http', keyFile });
    await agree([a, b, c]);
    expect((await c.store.sessions.list()).items).toHaveLength(1);
  });
});
