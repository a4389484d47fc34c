import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HubUnreachableError } from '../../src/errors.ts';
import { Memory } from '../../src/sync/exchange.ts';
import type { Hub } from '../../src/sync/hub/hub.ts';
import { pushOnce } from '../../src/sync/push-once.ts';
import { needState } from '../../src/sync/state.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

/** A hub that can be restored to what it was. */
class RestoredHub implements Hub {
  #path = join(tempFolder(), 'hub.db');
  #hub = new FileHub({ path: this.#path });

  run(...request: Parameters<Hub['run']>) {
    return this.#hub.run(...request);
  }

  /** @returns what brings it back to how it is now */
  snapshot(): () => void {
    const path = join(tempFolder(), 'snapshot.db');
    for (const end of ['', '-wal']) {
      if (existsSync(this.#path + end)) copyFileSync(this.#path + end, path + end);
    }
    return () => {
      this.close();
      this.#path = path;
      this.#hub = new FileHub({ path });
    };
  }

  close(): void {
    this.#hub.close();
  }
}

const add = ({ store }: SyncDevice, title: string) =>
  store.sessions.create({ title, workspace: '/w' });

const titlesOf = async ({ store }: SyncDevice) =>
  (await store.sessions.list()).items.map(({ title }) => title).sort();

const stateOf = ({ database }: SyncDevice) => database.read(needState);

/**
 * One push by another process of the device, which then sleeps.
 *
 * @returns what wakes it: only then it sees the answer
 */
async function pushAndSleep({ exchange }: SyncDevice): Promise<() => Promise<unknown>> {
  const asleep = signal();
  const answered = signal();
  const hub: Hub = {
    run: async (...request) => {
      const rows = await exchange.hub.run(...request);
      answered.give();
      await asleep.given;
      return rows;
    },
    close: () => undefined,
  };
  const pushed = pushOnce({ ...exchange, hub, memory: new Memory() });
  await answered.given;
  return () => {
    asleep.give();
    return pushed;
  };
}

function signal(): { readonly given: Promise<void>; give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

describe('what the hub lost stays to be noticed', () => {
  test('by who has read it, also where an exchange begins with its push', async () => {
    const hub = new RestoredHub();
    const [a, b, c] = [
      await syncDevice('a', hub),
      await syncDevice('b', hub),
      await syncDevice('c', hub),
    ];
    for (const device of [a, b, c]) await device.sync();
    const restore = hub.snapshot();
    await add(b, 'of b');
    await b.sync();
    await a.sync();
    // The hub goes back, b never comes again: what it sent is left on a alone.
    restore();
    await add(a, 'of a');

    await syncOnce(a.exchange, undefined, undefined, 'push');
    await c.sync();

    expect(await titlesOf(c)).toEqual(['of a', 'of b']);
  });

  test('by who sent it, also where the answer to an earlier push comes only then', async () => {
    const hub = new RestoredHub();
    const a = await syncDevice('a', hub);
    const b = await syncDevice('b', hub);
    for (const device of [a, b]) await device.sync();
    await add(a, 'one');
    const wake = await pushAndSleep(a);
    const restore = hub.snapshot();
    // Its worker goes on without the one that sleeps.
    await add(a, 'two');
    await a.sync();
    const { device } = await stateOf(a);
    restore();

    await wake();
    for (const one of [a, b]) await one.sync();

    expect(await titlesOf(b)).toEqual(['one', 'two']);
    expect((await stateOf(a)).device).toBe(device);
  });

  test('by who sent it, also where it learned of that alone before the hub went back', async () => {
    const hub = new RestoredHub();
    const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
    for (const device of [a, b]) await device.sync();
    const restore = hub.snapshot();
    await add(a, 'one');
    const wake = await pushAndSleep(a);
    // It is told that the push came in, and no more.
    let answers = 1;
    const dying: Hub = {
      run: (...request) =>
        answers-- > 0 ? hub.run(...request) : Promise.reject(new HubUnreachableError('no answer')),
      close: () => undefined,
    };
    const exchange = { ...a.exchange, hub: dying, memory: new Memory() };
    await expect(syncOnce(exchange)).rejects.toThrow(HubUnreachableError);
    const { device, acked, sent } = await stateOf(a);
    expect(acked).toEqual(sent);
    restore();

    for (const one of [a, b]) await one.sync();
    expect(await titlesOf(b)).toEqual(['one']);
    expect((await stateOf(a)).device).toBe(device);
    // A hub that went back, not one whose rows somebody wrote over.
    expect(a.exchange.memory.repairs.told).toEqual([]);
    await wake();
  });
});

test('a change that came back for its clock is not lost to the one that it replaced', async () => {
  const began = Date.UTC(2026, 0, 1);
  const clock = { a: began };
  const file = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => began });
  let lose = false;
  const hub: Hub = {
    run: async (...request) => {
      const rows = await file.run(...request);
      if (lose) throw new HubUnreachableError('no answer');
      return rows;
    },
    close: () => {
      file.close();
    },
  };
  const a = await syncDevice('a', hub, { now: () => clock.a });
  const b = await syncDevice('b', hub, { now: () => began });
  const { id } = await add(a, 'one');
  for (const device of [a, b]) await device.sync();
  // The hub takes this one, but a never hears of that.
  clock.a = began + 9 * MINUTE;
  await a.store.sessions.rename(id, 'two');
  lose = true;
  await expect(pushOnce(a.exchange)).rejects.toThrow('no answer');
  lose = false;
  clock.a = began + YEAR;
  await a.store.sessions.rename(id, 'three');

  await syncOnce(a.exchange, undefined, undefined, 'push');
  await b.sync();

  for (const device of [a, b]) expect(await titlesOf(device)).toEqual(['three']);
});
