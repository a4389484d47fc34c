import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foundHub, raiseEpoch, undoFounding } from '../../src/sync/found-hub.ts';
import type { Ask, Mark } from '../../src/sync/ask.ts';
import { FileHub } from '../support/file-hub.ts';
import { tempFolder } from '../support/temp-store.ts';

const FIRST: Mark = { number: 3, token: 'as founded' };
const UNKNOWN: Mark = { number: 900, token: 'of a push that the hub has lost' };

async function setup() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  await foundHub(hub, { storeId: 'store', epoch: FIRST, keyCheck: 'none' });
  const read = async (sql: string) =>
    (await hub.run([{ sql, params: [] }], 'read'))[0]?.[0] as [number, string];
  const epoch = async (): Promise<Mark> => {
    const [number, token] = await read('select epoch, epoch_token from hub_meta');
    return { number, token };
  };
  const ask: Ask = {
    ...{ device: 'a', storeId: 'store', epoch: FIRST, cursor: 0 },
    ...{ pair: null, acked: null, sent: null, floorMs: 0 },
  };
  return { hub, ask, epoch, read };
}

describe('foundHub', () => {
  it('gives a hub its lost meta row back once, to the first who knows the rest of it', async () => {
    const { hub, epoch, read } = await setup();
    const [number, token] = await read('select head, token from hub_commits');
    await hub.run([{ sql: 'delete from hub_meta', params: [] }], 'write');
    const founding = (storeId: string, epoch: Mark) => ({ storeId, epoch, keyCheck: 'none' });
    const unknown = foundHub(hub, founding('another', { number: 9, token: 'x' }), UNKNOWN);
    await expect(unknown).rejects.toMatchObject({ code: 'HUB_LOST' });
    const next = { number: 4, token: 'after' };
    const late = { ...next, token: 'too late' };
    expect(await foundHub(hub, founding('store', next), { number, token })).toBe(true);
    expect(await foundHub(hub, founding('store', late), { number, token })).toBe(false);
    expect(await epoch()).toEqual(next);
    expect(await read('select head, token from hub_commits')).toEqual([number, token]);
  });
});

describe('undoFounding', () => {
  it('is for the founder alone, from the first moment on', async () => {
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
    const founding = { storeId: 'store', epoch: FIRST, keyCheck: 'its' };
    const founder = { id: 'a', name: 'desk', platform: 'test' };
    expect(await foundHub(hub, { ...founding, founder })).toBe(true);
    const late = { ...founding, epoch: UNKNOWN, founder: { ...founder, id: 'b' } };
    expect(await foundHub(hub, late)).toBe(false);
    expect(await undoFounding(hub, 'b')).toBe(false);
    expect(await undoFounding(hub, 'a')).toBe(true);
  });
});

describe('raiseEpoch', () => {
  it('raises it once for all devices that saw the same loss', async () => {
    const { hub, ask, epoch } = await setup();
    await raiseEpoch(hub, ask, FIRST, UNKNOWN);
    const raised = await epoch();
    expect(raised.number).toBe(FIRST.number + 1);
    expect(raised.token).not.toBe(FIRST.token);
    // Another device, whose answer is of the time before.
    await raiseEpoch(hub, { ...ask, device: 'b' }, FIRST, UNKNOWN);
    expect(await epoch()).toEqual(raised);
    // The number alone does not tell one raise from another.
    await raiseEpoch(hub, ask, { ...raised, token: FIRST.token }, UNKNOWN);
    expect(await epoch()).toEqual(raised);
  });

  it('leaves it where the hub knows the state after all, or is of another store', async () => {
    const { hub, ask, epoch, read } = await setup();
    const [number, token] = await read('select head, token from hub_commits');
    await raiseEpoch(hub, ask, FIRST, { number, token });
    await raiseEpoch(hub, { ...ask, storeId: 'another' }, FIRST, UNKNOWN);
    expect(await epoch()).toEqual(FIRST);
  });

  it('goes above the epoch of who raises it', async () => {
    const { hub, ask, epoch } = await setup();
    await raiseEpoch(hub, { ...ask, epoch: { number: 7, token: 'ours' } }, FIRST, null);
    expect((await epoch()).number).toBe(8);
  });
});
