import { expect, it } from 'vitest';
import type { ImportProgress } from '../../src/index.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { tempStore } from '../support/temp-store.ts';

const HOME = [
  ...['--sessions', '20', '--threads', '4', '--turns', '4', '--items', '4', '--events', '400'],
  ...['--tasks', '40', '--audit', '1500', '--state-threads', '5'],
];

/** Stops an import at a moment; the counts of its error. */
async function stopAt(isThen: (progress: ImportProgress) => boolean) {
  const { home } = legacyHome(...HOME);
  const whole = await (await tempStore()).import([home]);
  const store = await tempStore();
  const stop = new AbortController();
  const stopped = store.import([home], {
    signal: stop.signal,
    onProgress: (progress) => {
      if (isThen(progress)) stop.abort();
    },
  });
  const error = await stopped.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  expect(error).toMatchObject({ code: 'STOPPED', retryable: true });
  const isIn = Number(/(\d+) new records/.exec(error?.message ?? '')?.[1]);
  const rest = await store.import([home]);
  return { store, isIn, rest: rest.totals.imported, all: whole.totals.imported };
}

it('an import that is stopped says what is in, and the next one brings the rest', async () => {
  const { isIn, rest, all } = await stopAt(({ records }) => records > 0);
  expect(isIn).toBeGreaterThan(0);
  expect(isIn).toBeLessThan(all);
  expect(isIn + rest).toBe(all);
});

it('so it is while what came in is indexed, which the next one goes on with', async () => {
  const { store, isIn, rest, all } = await stopAt(({ kind }) => kind === 'search index');
  expect([isIn, rest]).toEqual([all, 0]);
  expect((await store.check()).ok).toBe(true);
});

it('one that is stopped before it begins brings nothing', async () => {
  const { home } = legacyHome(...HOME);
  const store = await tempStore();
  await expect(
    store.import([home], { signal: AbortSignal.abort(), dryRun: true }),
  ).rejects.toMatchObject({ code: 'STOPPED', message: 'the dry run was stopped before its end' });
  expect((await store.sessions.list()).items).toEqual([]);
  await expect(
    store.import([home], { signal: 'stop' as unknown as AbortSignal }),
  ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});
