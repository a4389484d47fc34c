import { expect, it } from 'vitest';
import { StoppedError } from '../../src/errors.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startSqld } from '../support/sqld.ts';
import { tempStore } from '../support/temp-store.ts';

const PROMPTS = 3;

/** A store with tasks that the hub has not got. */
async function setup() {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url);
  const { sync, tasks } = await tempStore();
  await sync.enable(proxy.url, { encryption: false, pull: 'http' });
  await sync.now();
  for (let i = 0; i < PROMPTS; i++) await tasks.create({ prompt: 'plan' });
  return { proxy, sync };
}

it('an exchange that is stopped before it began says so, and is no success', async () => {
  const { sync } = await setup();
  const before = await sync.status();
  await expect(sync.now({ signal: AbortSignal.abort() })).rejects.toThrow(StoppedError);
  expect(await sync.status()).toEqual(before);
  expect(before.pendingRows).toBeGreaterThan(0);
});

it('an exchange that is stopped in the middle says so, blames no hub, and the next one goes on', async () => {
  const { sync, proxy } = await setup();
  const before = await sync.status();
  proxy.next({ kind: 'hold' });
  const stop = new AbortController();
  const stopped = expect(sync.now({ signal: stop.signal })).rejects.toThrow(StoppedError);
  await proxy.seen('hold');
  stop.abort();
  await stopped;
  expect(await sync.status()).toEqual(before);
  await proxy.release();
  await sync.now();
  expect(await sync.status()).toMatchObject({ pendingRows: 0, lastError: null });
});
