import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { tempStore } from '../support/temp-store.ts';

const LONG_MS = 5000;

/** Calls one after the other until something else ends it, or for {@link LONG_MS}. */
async function callUntil(ended: () => boolean, call: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  while (!ended() && performance.now() - start < LONG_MS) await call();
}

const append = (store: Store) => store.audit.append({ event: 'e', details: {} });

it.each([
  ['writes', append],
  ['reads', (store: Store) => store.sessions.list()],
])('a loop of awaited %s lets timers and signals through', async (_, call) => {
  const store = await tempStore();
  let fired = 0;
  setTimeout(() => fired++, 1);
  process.once('SIGUSR2', () => fired++);
  process.kill(process.pid, 'SIGUSR2');
  await callUntil(
    () => fired === 2,
    () => call(store),
  );
  expect(fired).toBe(2);
});

it('close takes no more calls, however many go on calling', async () => {
  const store = await tempStore();
  let written = 0;
  const writer = () =>
    callUntil(
      () => false,
      async () => {
        await append(store);
        written++;
      },
    );
  const writers = Promise.allSettled([writer(), writer(), writer()]);
  while (written < 10) await append(store);
  await store.close();
  for (const one of await writers) {
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } });
  }
});

it('close waits for the calls before it: reads, writes, imports', async () => {
  const store = await tempStore();
  const { home } = legacyHome('--seed', '5');
  const importing = store.import([home]);
  const calls: Promise<unknown>[] = [importing];
  for (let i = 0; i < 20; i++) calls.push(store.sessions.list(), append(store));
  let ended = 0;
  for (const call of calls) void call.finally(() => ended++);
  await store.close();
  expect(ended).toBe(calls.length);
  await Promise.all(calls);
  expect((await importing).homes).toHaveLength(1);
});
