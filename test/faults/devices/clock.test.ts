import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { clockOf } from '../../../src/model/version.ts';
import { timeBound } from '../../../src/sync/apply/updated-times.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, device, enable } from './group.ts';

const DAY = 24 * 60 * 60_000;

/** The clock in the version of a session's title. */
function titleTime(path: string, id: string): number {
  const driver = new Driver(path);
  const row = driver.prepare('select title_version as v from sessions where id = ?').get(id);
  driver.close();
  return clockOf((row as { v: string }).v).ms;
}

// Row 18 of the fault matrix: a clock that is a day off, runs backwards, or stands still.
describe('a device whose clock is wrong', () => {
  it('by a day ahead finds out at its first push, and wins nothing for the days to come', async () => {
    const sqld = await startSqld();
    let skew = DAY;
    const ahead = await device('ahead', { clock: () => Date.now() + skew });
    const right = await device('right');
    await enable(sqld.url, [right, ahead]);
    const { id } = await right.store.sessions.create({ title: 'at first', workspace: '/w' });
    await agree([right, ahead]);
    await ahead.store.sessions.rename(id, 'from tomorrow');
    // The fault is there: the local version is a day ahead. The hub returns it.
    expect(titleTime(ahead.path, id)).toBeGreaterThan(Date.now() + DAY / 2);
    await agree([right, ahead]);
    expect(titleTime(ahead.path, id)).toBeLessThan(Date.now() + DAY / 48);
    expect((await right.store.sessions.get(id)).title).toBe('from tomorrow');
    skew = 0;
    // Later by the right clock, and so it wins although tomorrow is not there yet.
    await right.store.sessions.rename(id, 'from today');
    await agree([right, ahead]);
    expect((await ahead.store.sessions.get(id)).title).toBe('from today');
  });

  it('by a day behind still gets its edits through once it has heard of the others', async () => {
    const sqld = await startSqld();
    const behind = await device('behind', { clock: () => Date.now() - DAY });
    const right = await device('right');
    await enable(sqld.url, [right, behind]);
    const { id } = await right.store.sessions.create({ title: 'at first', workspace: '/w' });
    await agree([right, behind]);
    await behind.store.sessions.rename(id, 'from yesterday');
    await agree([right, behind]);
    expect((await right.store.sessions.get(id)).title).toBe('from yesterday');
  });

  it('that stands still, or runs backwards, loses no edit of its own to an older one', async () => {
    const sqld = await startSqld();
    let now = Date.now();
    const odd = await device('odd', { clock: () => now });
    const right = await device('right');
    await enable(sqld.url, [right, odd]);
    const { id } = await odd.store.sessions.create({ title: '0', workspace: '/w' });
    for (let i = 1; i <= 20; i++) {
      if (i > 10) now -= 60_000;
      await odd.store.sessions.rename(id, String(i));
    }
    await agree([right, odd]);
    expect((await right.store.sessions.get(id)).title).toBe('20');
  });

  it('by years ahead makes no record the newest for years', async () => {
    const sqld = await startSqld();
    let skew = 3000 * DAY;
    const ahead = await device('ahead', { clock: () => Date.now() + skew });
    const right = await device('right');
    const third = await device('third');
    const all = [right, ahead, third];
    await enable(sqld.url, all);
    const workspace = '/w';
    const shared = await right.store.sessions.create({ title: 'shared', workspace });
    await agree(all);
    const { store } = ahead;
    await store.sessions.appendMessages(shared.id, [{ role: 'user', content: 'm' }]);
    await store.sessions.create({ title: 'ahead', workspace });
    await store.tasks.create({ prompt: 'ahead', workspace });
    const run = await store.runtime.createThread({ workspace, model: 'auto', mode: 'agent' });
    await store.events.append(run.id, [{ type: 'n', payload: {} }]);
    await store.threads.upsert({ title: 'ahead', cwd: workspace });
    await agree(all);
    await right.store.sessions.create({ title: 'newest', workspace });
    skew = 0;
    await agree(all);

    for (const { store, name } of all) {
      const lists = [
        await store.sessions.list(),
        await store.tasks.list(),
        await store.runtime.listThreads(),
        await store.threads.list(),
      ];
      for (const { updatedAt } of lists.flatMap((list): { updatedAt: string }[] => list.items)) {
        expect(Date.parse(updatedAt), name).toBeLessThan(Date.now() + DAY);
      }
      expect(lists.map(({ items }) => items.length)).toEqual([3, 1, 1, 1]);
      // What it wrote stays as it wrote it.
      const [event] = (await store.events.since(run.id, 0)).items;
      expect(Date.parse(event?.at ?? '')).toBeGreaterThan(Date.now() + 2999 * DAY);
    }
    for (const { store } of [right, third]) {
      expect((await store.sessions.list()).items[0]?.title).toBe('newest');
    }
  });

  it('by years behind, or a hub of such a clock, takes no time back', () => {
    const hub = { nowMs: 0, floorMs: 0 };
    const now = Date.now();
    expect(timeBound(hub, now)).toEqual({ now, latest: now + DAY });
    expect(timeBound({ nowMs: now, floorMs: 0 }, 0).latest).toBeGreaterThan(now + DAY);
  });

  it('holds up nobody else', async () => {
    const sqld = await startSqld();
    const ahead = await device('ahead', { clock: () => Date.now() + 3 * DAY });
    const right = await device('right');
    const third = await device('third');
    await enable(sqld.url, [right, ahead, third]);
    const { id } = await ahead.store.sessions.create({ title: 'ahead', workspace: '/w' });
    await ahead.sync();
    await right.store.tasks.create({ prompt: 'of the right one' });
    await right.sync();
    await third.sync();
    expect((await third.store.tasks.list()).items).toHaveLength(1);
    await agree([ahead, right, third]);
    expect((await third.store.sessions.get(id)).title).toBe('ahead');
    expect((await third.store.sync.status()).parked).toBe(0);
  });
});
