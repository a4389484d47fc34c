import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest, SyncStatus } from '../../src/index.ts';
import type { SoakDevice } from './device.ts';
import { turnOn } from './store-faults.ts';
import { fail } from './violation.ts';
import type { World } from './world.ts';

/** Without any progress: a deadline, not a speed. */
const STILL_MS = 60_000;
const LOOK_MS = 250;
const TELL_MS = 10_000;
/** That work was left with a former device is told until somebody takes it over: it keeps nothing from resting. */
const TOLD = 'DEVICE_COPIED';
/** Told of an exchange that brought all there was, until the next one. */
const TOLD_OF_COPY = 'what it was for was read over HTTP';

/** Nothing goes wrong any more: what a person has to do is done, the rest is left to the workers. */
export async function heal(world: World): Promise<void> {
  for (const device of world.devices) {
    device.proxy.calm();
    await device.proxy.release().catch(() => undefined);
    device.setClock(0);
    await device.newToken();
    await device.ask('pause');
    device.paused = true;
    if (!device.syncOn) await turnOnAtLast(device);
  }
}

/** The hub may just have been started anew. */
async function turnOnAtLast(device: SoakDevice): Promise<void> {
  const until = performance.now() + STILL_MS;
  while (!(await turnOn(device))) {
    if (performance.now() > until) fail(`${device.name} cannot turn sync on`);
    await sleep(LOOK_MS);
  }
}

export async function goOn(world: World): Promise<void> {
  for (const device of world.devices) {
    device.paused = false;
    await device.ask('resume');
  }
}

/** C5 and C4: nothing unsent, nothing unread, and equal digests, without anybody asking for it. */
export async function comeToRest(world: World): Promise<number> {
  const start = performance.now();
  let until = start + STILL_MS;
  let seen = '';
  let toldAt = start;
  for (;;) {
    const states = await Promise.all(world.devices.map((device) => stateOf(device)));
    const [head] = await world.hub.ask('select head from hub_meta').catch(() => []);
    const quiet = states.every(
      ({ pending, cursor, error }) =>
        pending === 0 && cursor === Number(head?.[0]) && (!error || error === TOLD),
    );
    if (quiet) {
      const digests = await Promise.all(
        world.devices.map((device) => device.ask<Digest>('verify')),
      );
      if (new Set(digests.map(({ digest }) => digest)).size === 1) return performance.now() - start;
    }
    const text = JSON.stringify([states, head]);
    if (text !== seen) until = performance.now() + STILL_MS;
    if (performance.now() - toldAt > TELL_MS) {
      world.log(`coming to rest: ${text}`);
      toldAt = performance.now();
    }
    seen = text;
    if (performance.now() > until) fail(await unrest(world, text));
    for (const [i, { error }] of states.entries()) {
      const device = world.devices[i] as SoakDevice;
      // The key was replaced: its owner brings the new one.
      if (error === 'SYNC_KEY') await turnOn(device);
    }
    await sleep(LOOK_MS);
  }
}

interface State {
  readonly name: string;
  readonly pending: number;
  readonly cursor: number;
  readonly error: string | undefined;
}

async function stateOf(device: SoakDevice): Promise<State> {
  const { pendingRows, cursor, lastError } = await device.ask<SyncStatus>('status');
  const error = lastError?.message.includes(TOLD_OF_COPY) ? undefined : lastError?.code;
  return { name: device.name, pending: pendingRows, cursor, error };
}

async function unrest(world: World, states: string): Promise<string> {
  const digests = await Promise.all(world.devices.map((device) => device.ask<Digest>('verify')));
  const tables = Object.keys(digests[0]?.tables ?? {});
  const unlike = tables.filter(
    (name) => new Set(digests.map(({ tables: all }) => all[name]?.digest)).size > 1,
  );
  return `C5 no rest and no progress for ${STILL_MS / 1000} s: ${states}; unlike: ${unlike.join(' ')}`;
}
