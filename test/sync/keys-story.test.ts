import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import { agree, asMachine, device, enable } from '../faults/devices/group.ts';
import { startSqld } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

async function keyNumbers(url: string): Promise<number[]> {
  const hub = new HttpHub({ url, token: () => undefined });
  const sql = 'select distinct key_number from hub_entries order by 1';
  const [rows = []] = await hub.run([{ sql, params: [] }], 'read');
  return rows.map((row) => Number(row[0]));
}

describe('keys', () => {
  it('are replaced for everyone, and everything on the hub is sealed anew', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    const oldKey = await enable(sqld.url, [a, b]);
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    const content = 'x'.repeat(2_500_000);
    await a.store.sessions.appendMessages(id, [{ role: 'user', content }]);
    await agree([a, b]);
    const { phrase } = await asMachine('a', () => a.store.sync.rotateKey());
    await a.sync();
    expect(await keyNumbers(sqld.url)).toEqual([2]);
    await b.store.sessions.rename(id, 'b does not know');
    await expect(b.sync()).rejects.toMatchObject({ code: 'SYNC_KEY' });
    const keyFile = join(tempFolder(), 'hub.key');
    writeFileSync(keyFile, phrase ?? '', { mode: 0o600 });
    const wrong = b.store.sync.enable(sqld.url, { name: 'b', keyFile: oldKey, pull: 'http' });
    await expect(wrong).rejects.toMatchObject({ code: 'SYNC_KEY' });
    await asMachine('b', () => b.store.sync.enable(sqld.url, { name: 'b', keyFile, pull: 'http' }));
    await agree([a, b]);
    expect((await a.store.sessions.get(id)).title).toBe('b does not know');
    expect(await keyNumbers(sqld.url)).toEqual([2]);
    const c = await device('c');
    await asMachine('c', () => c.store.sync.enable(sqld.url, { name: 'c', keyFile, pull: 'http' }));
    await agree([a, b, c]);
    expect((await c.store.sessions.messages(id)).items[0]?.content).toEqual([
      { type: 'text', text: content },
    ]);
  });

  it('may be a passphrase, which is kept nowhere', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    const passphraseFile = join(tempFolder(), 'passphrase');
    writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
    for (const { store, name } of [a, b]) {
      await asMachine(name, () =>
        store.sync.enable(sqld.url, { name, passphraseFile, pull: 'http' }),
      );
    }
    await a.store.tasks.create({ prompt: 'sealed' });
    await agree([a, b]);
    expect((await b.store.tasks.list()).items).toHaveLength(1);
    expect(await a.store.sync.exportKey()).toEqual({ phrase: null, encrypted: true });
    await a.store.close();
    expect(readFileSync(a.path).includes('correct horse')).toBe(false);
  });

  it('are not asked for where encryption was refused, and then never taken for granted', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    await a.store.sync.enable(sqld.url, { name: 'a', encryption: false, pull: 'http' });
    const both = { name: 'b', encryption: false, keyFile: 'hub.key' };
    await expect(b.store.sync.enable(sqld.url, both)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(b.store.sync.enable(sqld.url, { name: 'b' })).rejects.toMatchObject({
      code: 'SYNC_KEY',
    });
    await b.store.sync.enable(sqld.url, { name: 'b', encryption: false, pull: 'http' });
    await a.store.tasks.create({ prompt: 'clear' });
    await agree([a, b]);
  });

  it('of the file at rest also encrypt the copy of the hub beside it', async () => {
    const sqld = await startSqld();
    const a = await device('a', { encryptionKey: 'at rest' });
    await a.store.sync.enable(sqld.url, { name: 'a', encryption: false, pull: 'replica' });
    await a.store.sessions.create({ title: 'canary-71c2', workspace: '/w' });
    const b = await device('b');
    await b.store.sync.enable(sqld.url, { name: 'b', encryption: false, pull: 'http' });
    await b.store.sessions.create({ title: 'canary-71c2 of b', workspace: '/w' });
    await agree([a, b]);
    const replica = join(dirname(a.path), 'hub-replica.db');
    expect(existsSync(replica)).toBe(true);
    for (const suffix of ['', '-wal']) {
      for (const file of [a.path, replica]) {
        if (!existsSync(file + suffix)) continue;
        expect(readFileSync(file + suffix).includes('canary-71c2'), file + suffix).toBe(false);
      }
    }
    await a.store.sync.disable();
    expect(existsSync(replica)).toBe(false);
  });
});

describe('a device that is revoked', () => {
  it('exchanges no more, works on, and comes back as another device', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    const keyFile = await enable(sqld.url, [a, b]);
    await agree([a, b]);
    const former = (await b.store.sync.status()).deviceId;
    await asMachine('a', () => a.store.sync.revoke(former));
    await b.store.tasks.create({ prompt: 'not sent' });
    await expect(b.sync()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
    expect((await b.store.tasks.list()).items).toHaveLength(1);
    await a.sync();
    expect((await a.store.tasks.list()).items).toHaveLength(0);
    const devices = await asMachine('a', () => a.store.sync.devices());
    expect(devices.find(({ id }) => id === former)?.revokedAt).not.toBeNull();
    await asMachine('b', () => b.store.sync.enable(sqld.url, { name: 'b', keyFile, pull: 'http' }));
    await agree([a, b]);
    expect((await b.store.sync.status()).deviceId).not.toBe(former);
    expect((await a.store.tasks.list()).items).toHaveLength(1);
  });
});
