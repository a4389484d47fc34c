import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { heldText } from '../../../src/sync/keys/held-ring.ts';
import { newKeyRing } from '../../../src/sync/keys/key-ring.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { agree, asMachine, device, enable, type Device } from './group.ts';

// A device whose keys are not those of its group: to it, everything on the hub seems damaged.

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const hub = new HttpHub({ url, token: () => undefined });
  const [rows = []] = await hub.run([{ sql, params: [] }], 'write');
  return rows.map((row) => [...row]);
}

/** What lies on the hub, and whether anything was ever taken off it. */
const stateOf = (url: string) =>
  ask(url, 'select (select count(*) from hub_entries), epoch from hub_meta');

function write(one: Device, sql: string): void {
  const driver = new Driver(one.path);
  driver.exec(sql);
  driver.close();
}

/** Another character in the place of the tenth of the last key. */
const FLIP = `update sync_state set key_ring = substr(key_ring, 1, instr(key_ring, '"1":"') + 14)
  || iif(substr(key_ring, instr(key_ring, '"1":"') + 15, 1) = 'A', 'B', 'A')
  || substr(key_ring, instr(key_ring, '"1":"') + 16)`;

function unprovenKeys(one: Device): void {
  write(one, FLIP);
  write(one, `update sync_state set key_ring = json_remove(key_ring, '$.proof')`);
}

function otherKeys(one: Device): void {
  const driver = new Driver(one.path);
  const [check] = driver.prepare('select key_check from sync_state').raw().get([]) as [string];
  driver.close();
  write(one, `update sync_state set key_ring = '${heldText(newKeyRing(), { check })}'`);
}

async function session(one: Device, title: string): Promise<void> {
  const { id } = await one.store.sessions.create({ title, workspace: '/w' });
  await one.store.sessions.appendMessages(id, [{ role: 'user', content: title }]);
}

const titles = async ({ store }: Device) =>
  (await store.sessions.list()).items.map(({ title }) => title).sort();

async function withPassphrase() {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  const passphraseFile = join(tempFolder(), 'passphrase');
  writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
  const enter = ({ name, store }: Device) =>
    asMachine(name, () => store.sync.enable(sqld.url, { name, passphraseFile, pull: 'http' }));
  for (const one of [a, b]) {
    await enter(one);
    await session(one, `of ${one.name}`);
  }
  await agree([a, b]);
  return { url: sqld.url, a, b, enter };
}

describe('a device that comes from another group', () => {
  it('takes the keys of the group that it joins, also where its own were replaced before', async () => {
    const [first, second] = [await startSqld(), await startSqld()];
    const [a, b, lost] = [await device('a'), await device('b'), await device('lost')];
    await enable(first.url, [a]);
    await session(a, 'of a');
    await a.sync();
    await asMachine('a', () => a.store.sync.rotateKey());
    await a.sync();
    const keyFile = await enable(second.url, [b, lost]);
    // Only the hub has this.
    await session(lost, 'of a lost device');
    await lost.sync();
    const [[, epoch] = []] = await stateOf(second.url);
    const join = { name: 'a', pull: 'http', keyFile, join: true } as const;
    const { keyFile: _, ...noKey } = join;
    await expect(a.store.sync.enable(second.url, noKey)).rejects.toThrow('no key was given');
    await asMachine('a', () => a.store.sync.enable(second.url, join));
    await agree([a, b]);
    expect(await titles(b)).toEqual(['of a', 'of a lost device']);
    expect((await stateOf(second.url))[0]?.[1]).toBe(epoch);
  });
});

describe('a device whose keys were damaged', () => {
  it('takes them out of the lock again, which its key opens', async () => {
    const sqld = await startSqld();
    const [a, b] = [await device('a'), await device('b')];
    await enable(sqld.url, [a, b]);
    await session(b, 'of b');
    await agree([a, b]);
    const [[, epoch] = []] = await stateOf(sqld.url);
    write(a, FLIP);
    await session(a, 'of a');
    await agree([a, b]);
    expect(await titles(b)).toEqual(['of a', 'of b']);
    expect((await stateOf(sqld.url))[0]?.[1]).toBe(epoch);
  });

  it('exchanges nothing where there is only a passphrase, until that is brought', async () => {
    const { url, a, b, enter } = await withPassphrase();
    const before = await stateOf(url);
    write(a, FLIP);
    await session(a, 'later');
    await expect(a.sync()).rejects.toMatchObject({ code: 'SYNC_KEY' });
    expect(await a.store.sync.status()).toMatchObject({ enabled: true });
    expect(await stateOf(url)).toEqual(before);
    await enter(a);
    await agree([a, b]);
    expect(await titles(b)).toEqual(['later', 'of a', 'of b']);
    expect((await stateOf(url))[0]?.[1]).toBe(before[0]?.[1]);
  });

  it('shows no words that would open nothing', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    const keyFile = await enable(sqld.url, [a]);
    await a.sync();
    const other = randomBytes(32).toString('base64');
    write(a, `update sync_state set key_secret = '${other}'`);
    await expect(a.store.sync.exportKey()).rejects.toMatchObject({ code: 'SYNC_KEY' });
    await asMachine('a', () => a.store.sync.enable(sqld.url, { name: 'a', pull: 'http', keyFile }));
    await agree([a]);
  });

  it('begins a group of its own at an empty hub', async () => {
    const { a } = await withPassphrase();
    const empty = await startSqld();
    write(a, FLIP);
    const begin = { name: 'a', pull: 'http' } as const;
    const enabling = (join: boolean) =>
      asMachine('a', () => a.store.sync.enable(empty.url, { ...begin, join }));
    await expect(enabling(false)).rejects.toMatchObject({ code: 'SYNC_KEY' });
    await enabling(true);
    await agree([a]);
  });
});

describe('a device that opens nothing on the hub', () => {
  it.each([
    ['with keys that came out of another lock', otherKeys],
    // As a former version of this program kept them.
    ['with keys of which nothing tells whether they are right', unprovenKeys],
  ])('takes nothing off, and says so, %s', async (_, spoil) => {
    const { url, a, b, enter } = await withPassphrase();
    await session(b, 'only on the hub');
    await b.sync();
    const before = await stateOf(url);
    spoil(a);
    write(a, 'update sync_state set cursor = 0');
    await expect(a.sync()).rejects.toMatchObject({ code: 'SYNC_KEY' });
    expect(await stateOf(url)).toEqual(before);
    await ask(url, `delete from hub_entries where table_name = 'session_messages'`);
    await enter(a);
    await a.sync();
    // The hub has lost what seemed damaged here.
    expect(await stateOf(url)).toEqual(before);
    await agree([a, b]);
    expect(await titles(a)).toEqual(['of a', 'of b', 'only on the hub']);
    expect(await a.store.sync.parked()).toEqual([]);
  });

  it('takes off what nobody can read where it opens the rest', async () => {
    const { url, a, b } = await withPassphrase();
    await ask(url, `update hub_entries set payload = x'09' where register = 'title'`);
    write(a, 'update sync_state set cursor = 0');
    await a.sync();
    expect(await ask(url, `select 1 from hub_entries where payload = x'09'`)).toEqual([]);
    await agree([a, b]);
  });
});

it('a hub with an older lock gets the newer one back, also from who brings the older key', async () => {
  const sqld = await startSqld();
  const [a, b, c] = [await device('a'), await device('b'), await device('c')];
  const olderKey = await enable(sqld.url, [a]);
  await session(a, 'of a');
  await a.sync();
  const [[older] = []] = await ask(sqld.url, 'select key_check from hub_meta');
  await asMachine('a', () => a.store.sync.rotateKey());
  await a.sync();
  await ask(sqld.url, `update hub_meta set key_check = '${String(older)}'`);
  const options = { pull: 'http', keyFile: olderKey } as const;
  await asMachine('a', () => a.store.sync.enable(sqld.url, { name: 'a', ...options }));
  await a.sync();
  // Who has only the older key would take off all that is sealed under the newer one.
  const joining = asMachine('c', () => c.store.sync.enable(sqld.url, { name: 'c', ...options }));
  await expect(joining).rejects.toMatchObject({ code: 'SYNC_KEY' });
  const keyFile = await enable(sqld.url, [a, b]);
  expect(keyFile).not.toBe('');
  await agree([a, b]);
});

it('a hub whose keys were made apart keeps what they sealed, until somebody brings them', async () => {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  await enable(sqld.url, [a, b]);
  await session(a, 'of both');
  await agree([a, b]);
  for (let i = 0; i < 2; i++) {
    await asMachine('a', () => a.store.sync.rotateKey());
    await a.sync();
  }
  // The hub is lost; who comes first has the first key, and makes a second one of its own.
  for (const table of ['hub_entries', 'hub_commits', 'hub_devices', 'hub_meta'])
    await ask(sqld.url, `delete from ${table}`);
  await b.sync();
  const { phrase } = await asMachine('b', () => b.store.sync.rotateKey());
  await session(b, 'of b');
  await b.sync();
  const before = await stateOf(sqld.url);

  await session(a, 'of a');
  await expect(a.sync()).rejects.toMatchObject({
    code: 'SYNC_KEY',
    message: expect.stringContaining('made apart') as string,
  });

  expect(await stateOf(sqld.url)).toEqual(before);
  const keyFile = join(tempFolder(), 'key');
  writeFileSync(keyFile, `${String(phrase)}\n`, { mode: 0o600 });
  const options = { name: 'a', pull: 'http', keyFile } as const;
  await asMachine('a', () => a.store.sync.enable(sqld.url, options));
  await agree([a, b]);
  expect(await titles(b)).toEqual(['of a', 'of b', 'of both']);
});
