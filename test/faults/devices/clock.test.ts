import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { clockOf } from '../../../src/model/version.ts';
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
