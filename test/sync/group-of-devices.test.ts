import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import type { HubRow } from '../../src/sync/hub/hub.ts';
import { asMachine, device, enable, type Device } from '../faults/devices/group.ts';
import { hubReader } from '../faults/sync/checkers.ts';
import { makeHubKey } from '../support/hub-token.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

async function group(): Promise<{ sqld: Sqld; a: Device; b: Device; idOfB: string }> {
  const sqld = await startSqld();
  const a = await device('a');
  const b = await device('b');
  await enable(sqld.url, [a, b]);
  for (const one of [a, b]) {
    await one.store.tasks.create({ prompt: `of ${one.name}` });
    await one.sync();
  }
  return { sqld, a, b, idOfB: (await b.store.sync.status()).deviceId };
}

async function ask(sqld: Sqld, sql: string): Promise<HubRow[]> {
  const hub = new HttpHub({ url: sqld.url, token: () => undefined });
  const [rows = []] = await hub.run([{ sql, params: [] }], 'write');
  hub.close();
  return rows;
}

const names = async ({ store }: Device) =>
  (await store.sync.devices()).map(({ name }) => name).sort();

describe('the list of devices', () => {
  it('shows that a device was there which only reads', async () => {
    const { sqld, a, b, idOfB } = await group();
    await ask(sqld, 'update hub_devices set seen_at = 0');
    await b.sync();
    const seen = (await a.store.sync.devices()).find(({ id }) => id === idOfB);
    expect(Date.now() - Date.parse(seen?.seenAt ?? '')).toBeLessThan(60_000);
  });

  it('has a device under the name that another one gave, which takes it over', async () => {
    const { sqld, a, b, idOfB } = await group();
    await a.store.sync.renameDevice(idOfB, 'attic');
    await b.store.tasks.create({ prompt: 'pushed by its former name' });
    await b.sync();
    expect(await names(a)).toEqual(['a', 'attic']);
    expect((await b.store.sync.status()).deviceName).toBe('attic');
    await b.store.sync.renameDevice(idOfB, 'cellar');
    expect((await b.store.sync.status()).deviceName).toBe('cellar');
    // What the user says to the device itself counts, too.
    await asMachine('b', () => b.store.sync.enable(sqld.url, { name: 'b again' }));
    await b.sync();
    expect(await names(a)).toEqual(['a', 'b again']);
    await expect(a.store.sync.renameDevice(idOfB, ' ')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(a.store.sync.renameDevice('nobody', 'x')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('sync devices') as string,
    });
  });

  it('forgets a device until it comes again, as the one that it was', async () => {
    const { sqld, a, b, idOfB } = await group();
    const push = `select push_number, push_token from hub_devices where id = '${idOfB}'`;
    const before = await ask(sqld, push);
    // It has not heard of this name when it is forgotten.
    await a.store.sync.renameDevice(idOfB, 'attic');
    await a.store.sync.forgetDevice(idOfB);
    await a.sync();
    expect(await names(a)).toEqual(['a']);
    expect((await a.store.sync.status()).devices.map(({ name }) => name)).toEqual(['a']);
    // By this a copy of its store is told from it.
    expect(await ask(sqld, push)).toEqual(before);
    const own = (await a.store.sync.status()).deviceId;
    await expect(a.store.sync.forgetDevice(own)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await b.sync();
    expect(await names(a)).toEqual(['a', 'attic']);
    expect(await b.store.sync.status()).toMatchObject({ deviceId: idOfB, deviceName: 'attic' });
  });
});

describe('a device that was revoked', () => {
  it('stays so when it is forgotten, and when the hub was wiped', async () => {
    const { sqld, a, b, idOfB } = await group();
    await a.store.sync.revoke(idOfB);
    await a.store.sync.forgetDevice(idOfB);
    await expect(b.sync()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    await a.sync();

    await sqld.kill();
    rmSync(join(sqld.dir, 'db'), { recursive: true });
    await sqld.restart();
    await a.sync();

    await expect(b.sync()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    expect(await names(a)).toEqual(['a']);
  });

  it('is another one: no device revokes itself', async () => {
    const { a, b } = await group();
    const { deviceId } = await a.store.sync.status();
    const refused = { code: 'INVALID_INPUT', message: expect.stringContaining('itself') as string };
    await expect(a.store.sync.revoke(deviceId)).rejects.toMatchObject(refused);
    await a.sync();
    await b.sync();
  });

  it('does not come back as a copy of itself', async () => {
    const { a, b, idOfB } = await group();
    await a.store.sync.revoke(idOfB);
    const copied = asMachine('another machine', () => b.store.sync.now());
    await expect(copied).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    expect((await b.store.sync.status()).deviceId).toBe(idOfB);
    expect(await names(a)).toEqual(['a', 'b']);
  });

  it('does not come back with the token that it had, but with one that is newer', async () => {
    const key = await makeHubKey();
    const sqld = await startSqld({ jwtKey: key.publicKey });
    const tokenFile = join(tempFolder(), 'token');
    const nowS = Math.floor(Date.now() / 1000);
    writeFileSync(tokenFile, await key.token({ madeAtS: nowS - 60 }), { mode: 0o600 });
    const [a, b] = [await device('a'), await device('b')];
    const options = { tokenFile, encryption: false };
    for (const { name, store } of [a, b]) {
      await asMachine(name, () => store.sync.enable(sqld.url, { ...options, name }));
    }
    const former = (await b.store.sync.status()).deviceId;
    await asMachine('a', () => a.store.sync.revoke(former));

    const again = () => asMachine('b', () => b.store.sync.enable(sqld.url));
    await expect(again()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    expect((await b.store.sync.status()).deviceId).toBe(former);

    writeFileSync(tokenFile, await key.token({ madeAtS: nowS + 5 }));
    await again();
    await b.sync();
    expect((await b.store.sync.status()).deviceId).not.toBe(former);
  });

  it.each([4_070_908_800_000, Number.MAX_SAFE_INTEGER])(
    'comes back with a newer token though the time of that has not come (%d), also at the next hub',
    async (revokedAt) => {
      const key = await makeHubKey();
      const sqld = await startSqld({ jwtKey: key.publicKey });
      const next = await startSqld({ jwtKey: key.publicKey });
      const tokenFile = join(tempFolder(), 'token');
      const nowS = () => Math.floor(Date.now() / 1000);
      const renew = async (madeAtS: number) => {
        writeFileSync(tokenFile, await key.token({ madeAtS }), { mode: 0o600 });
      };
      await renew(nowS() - 60);
      const [a, b] = [await device('a'), await device('b')];
      const turnOn = ({ name, store }: typeof a, url: string, join = false) =>
        asMachine(name, () => store.sync.enable(url, { tokenFile, encryption: false, name, join }));
      for (const one of [a, b]) await turnOn(one, sqld.url);
      const former = (await b.store.sync.status()).deviceId;
      await hubReader(sqld.url, () => key.token())(
        `update hub_devices set revoked_at = ${revokedAt} where id = ?`,
        former,
      );
      await a.sync();
      await expect(turnOn(b, sqld.url)).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });

      await turnOn(a, next.url);
      await a.sync();
      await renew(nowS() + 1);
      await turnOn(b, next.url);
      await b.sync();
      expect((await b.store.sync.status()).deviceId).not.toBe(former);
    },
  );

  it('comes back at the hub itself, too, where the time of that has not come', async () => {
    const key = await makeHubKey();
    const sqld = await startSqld({ jwtKey: key.publicKey });
    const tokenFile = join(tempFolder(), 'token');
    const made = async (madeAtS: number) => {
      writeFileSync(tokenFile, await key.token({ madeAtS }), { mode: 0o600 });
    };
    const nowS = () => Math.floor(Date.now() / 1000);
    await made(nowS() - 60);
    const b = await device('b');
    const enable = () =>
      asMachine('b', () => b.store.sync.enable(sqld.url, { tokenFile, encryption: false }));
    await enable();
    const former = (await b.store.sync.status()).deviceId;
    await hubReader(sqld.url, () => key.token())(
      `update hub_devices set revoked_at = 4070908800000`,
    );
    await expect(enable()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    await made(nowS());
    await enable();
    await b.sync();
    expect((await b.store.sync.status()).deviceId).not.toBe(former);
  });
});
