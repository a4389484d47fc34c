import { expect, it } from 'vitest';
import { startSqld } from '../../support/sqld.ts';
import { hubReader } from '../sync/checkers.ts';
import { agree, asMachine, device, enable } from './group.ts';

const CANARY = 'canary-5e19';

async function downgraded() {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  const keyFile = await enable(sqld.url, [a, b]);
  await a.store.tasks.create({ prompt: 'before' });
  await agree([a, b]);
  const sql = hubReader(sqld.url);
  const [lock] = await sql('select key_check from hub_meta');
  await sql(`update hub_meta set key_check = 'none'`);
  const inClear = async () =>
    Number((await sql('select count(*) from hub_entries where key_number = 0'))[0]?.[0]);
  return { sqld, a, b, keyFile, sql, lock, inClear };
}

it('a hub that says of an encrypted group that it is not gets its lock back, and nothing in clear', async () => {
  const { a, b, sql, lock, inClear } = await downgraded();
  await b.store.tasks.create({ prompt: CANARY });
  await b.sync();
  expect((await b.store.sync.status()).lastError).toMatchObject({
    code: 'HUB_DAMAGED',
    message: expect.stringContaining('not encrypted; somebody had changed that') as string,
  });
  await agree([a, b]);
  expect(await sql('select key_check from hub_meta')).toEqual([lock]);
  expect(await inClear()).toBe(0);
  expect((await a.store.sync.status()).encrypted).toBe(true);
});

it('is not refused encryption by who has the key of its group', async () => {
  const { sqld, a, keyFile, sql, lock, inClear } = await downgraded();
  const refused = (url: string) =>
    expect(
      asMachine('a', () => a.store.sync.enable(url, { encryption: false, pull: 'http' })),
    ).rejects.toMatchObject({
      code: 'SYNC_KEY',
      hint: expect.stringContaining('--join') as string,
    });
  await refused(sqld.url);
  const empty = await startSqld();
  await refused(empty.url);
  // With the key it goes on as it was.
  await asMachine('a', () => a.store.sync.enable(sqld.url));
  expect(await sql('select key_check from hub_meta')).toEqual([lock]);
  await sql(`update hub_meta set key_check = 'none'`);
  await asMachine('a', () => a.store.sync.enable(sqld.url, { keyFile }));
  await a.sync();
  expect(await inClear()).toBe(0);
  // In another group there may be another rule.
  const joined = { encryption: false, join: true, pull: 'http' } as const;
  await asMachine('a', () => a.store.sync.enable(empty.url, joined));
  await a.sync();
  expect((await a.store.sync.status()).encrypted).toBe(false);
});
