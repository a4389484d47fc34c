import { expect, it } from 'vitest';
import { Notices, type SyncNotice } from '../../../src/sync/worker/notices.ts';

const failure = (code: string) => {
  return { code, message: 'm', hint: 'h', retryable: true, at: '2026-11-23T12:00:00.000Z' };
};

it('each thing is told once, and again only when it was otherwise meanwhile', () => {
  const told: SyncNotice[] = [];
  const notices = new Notices((notice) => told.push(notice));
  const take = () =>
    told.splice(0).map((notice) => (notice.event === 'failed' ? notice.error.code : notice.event));

  notices.recovered();
  expect(take()).toEqual([]);
  notices.standingBy('1/a');
  notices.standingBy('1/a');
  notices.standingBy('2/b');
  expect(take()).toEqual(['standingBy', 'standingBy']);
  notices.leading();
  notices.leading();
  expect(take()).toEqual(['leading']);

  // Two ways in which one proxy says that the hub is away, in turns.
  for (const code of ['AWAY', 'BUSY', 'AWAY', 'BUSY']) notices.failed(failure(code), 900.4);
  expect(told.map((notice) => notice.event === 'failed' && notice.retryInMs)).toEqual([900, 900]);
  expect(take()).toEqual(['AWAY', 'BUSY']);
  notices.recovered();
  notices.recovered();
  expect(take()).toEqual(['recovered']);
  notices.failed(failure('AWAY'), 1);
  expect(take()).toEqual(['AWAY']);

  // Who leads no more has nothing to do with what failed then.
  notices.standingBy('2/b');
  notices.recovered();
  notices.off();
  notices.off();
  expect(take()).toEqual(['standingBy', 'off']);
});
