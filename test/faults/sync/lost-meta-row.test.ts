import { describe, expect, it } from 'vitest';
import { startSqld } from '../../support/sqld.ts';
import { agree, asMachine, device, enable, type Device } from '../devices/group.ts';
import { hubReader } from './checkers.ts';

const WIPES = ['delete from hub_meta', 'drop table hub_meta'];

async function group(names: readonly string[]) {
  const sqld = await startSqld();
  const devices = await Promise.all(names.map((name) => device(name)));
  const keyFile = await enable(sqld.url, devices);
  for (const { name, store } of devices) await store.tasks.create({ prompt: `of ${name}` });
  await agree(devices);
  return { sqld, devices, keyFile, ask: hubReader(sqld.url) };
}

const prompts = async ({ store }: Device) =>
  (await store.tasks.list()).items.map(({ prompt }) => prompt).sort();

describe('a hub that lost its meta row', () => {
  it.each(WIPES)('gets it back from who knows the rest, which stays (%s)', async (wipe) => {
    const { sqld, devices, ask } = await group(['a', 'b', 'gone']);
    const [a, b, gone] = devices as [Device, Device, Device];
    // Nobody else has read this, and its device does not come again.
    await gone.store.tasks.create({ prompt: 'only on the hub' });
    await gone.sync();
    const [before] = await ask('select store_id, head, key_check from hub_meta');
    const { deviceId } = await b.store.sync.status();
    await a.store.sync.revoke((await gone.store.sync.status()).deviceId);

    await ask(wipe);
    await b.store.tasks.create({ prompt: 'meanwhile' });
    await agree([a, b]);

    const [after] = await ask('select store_id, head, key_check from hub_meta');
    expect([after?.[0], after?.[2]]).toEqual([before?.[0], before?.[2]]);
    expect(Number(after?.[1])).toBeGreaterThan(Number(before?.[1]));
    const all = ['meanwhile', 'of a', 'of b', 'of gone', 'only on the hub'];
    for (const one of [a, b]) expect(await prompts(one)).toEqual(all);
    await expect(gone.sync()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    expect((await b.store.sync.status()).deviceId).toBe(deviceId);
    // With enable, too.
    await ask(wipe);
    await asMachine('a', () => a.store.sync.enable(sqld.url));
    await agree([a, b]);
    expect(await prompts(b)).toEqual(all);
  });

  it('says what happened where the rest is not known, and is emptied only when told so', async () => {
    const { sqld, devices, ask } = await group(['a']);
    const [a] = devices as [Device];
    const stranger = await device('stranger');
    await stranger.store.tasks.create({ prompt: 'of a stranger' });
    await ask('delete from hub_meta');
    const entries = await ask('select seq, id, version from hub_entries order by seq');
    const join = (join: boolean) =>
      asMachine('stranger', () => stranger.store.sync.enable(sqld.url, { pull: 'http', join }));

    await expect(join(false)).rejects.toMatchObject({
      code: 'HUB_LOST',
      retryable: false,
      message: expect.stringContaining('hub_meta') as string,
      hint: expect.stringContaining('--join') as string,
    });
    expect((await stranger.store.sync.status()).enabled).toBe(false);
    expect(await ask('select seq, id, version from hub_entries order by seq')).toEqual(entries);

    expect(await join(true)).toMatchObject({ founded: true });
    await agree([stranger]);
    expect(await prompts(stranger)).toEqual(['of a stranger']);
    expect(await stranger.store.sync.parked()).toEqual([]);
    // Nothing was taken from who was there before.
    await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_FOREIGN' });
    expect(await prompts(a)).toEqual(['of a']);
  });

  it('is not mended by who remembers a state of another hub', async () => {
    const { devices, ask } = await group(['a']);
    const [a] = devices as [Device];
    await ask('delete from hub_meta');
    await ask(`update hub_commits set token = 'of another'`);
    for (let i = 0; i < 2; i++) {
      await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_LOST' });
    }
    expect((await a.store.sync.status()).lastError).toMatchObject({ code: 'HUB_LOST' });
    expect(await ask('select count(*) from hub_meta')).toEqual([[0]]);
  });
});
