import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSqld } from '../../support/sqld.ts';
import { hubReader } from '../sync/checkers.ts';
import { agree, device, enable } from './group.ts';

async function forged(...forgeries: string[]) {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  await enable(sqld.url, [a, b]);
  const session = await a.store.sessions.create({ title: 'before', workspace: '/w' });
  await agree([a, b]);
  const ids = async () => [
    (await a.store.sync.status()).deviceId,
    (await b.store.sync.status()).deviceId,
  ];
  const before = await ids();
  const sql = hubReader(sqld.url);
  for (const forgery of forgeries) await sql(forgery);
  await a.store.sessions.rename(session.id, 'after');
  await b.store.tasks.create({ prompt: 'after', workspace: '/w' });
  const expectWell = async () => {
    await agree([a, b]);
    expect(await ids()).toEqual(before);
    expect((await b.store.sessions.get(session.id)).title).toBe('after');
    expect((await a.store.tasks.list()).items).toHaveLength(1);
    expect(await a.store.sync.parked()).toEqual([]);
  };
  return { sqld, a, b, sql, expectWell };
}

const RENUMBERED = `replace(key_check, '"number":1', '"number":999')`;
const BROKEN = `cast(x'fffe00' as text)`;

describe('a hub whose meta row somebody wrote over', () => {
  it.each([
    `'garbage'`,
    `'{}'`,
    BROKEN,
    RENUMBERED,
    `key_check || ' '`,
    `key_check || hex(zeroblob(1500000))`,
  ])('gets the lock of its keys back (%s)', async (lock) => {
    const { a, sql, expectWell } = await forged(`update hub_meta set key_check = ${lock}`);
    await a.sync();
    expect((await a.store.sync.status()).lastError).toMatchObject({
      code: 'HUB_DAMAGED',
      message: expect.stringContaining('lock') as string,
    });
    await expectWell();
    expect(await sql(`select key_check glob '{"number":1,*' from hub_meta`)).toEqual([[1]]);
  });

  it.each([`''`, BROKEN, 'hex(zeroblob(1500000))'])('gets a new epoch (%s)', async (token) => {
    const { expectWell } = await forged(`update hub_meta set epoch_token = ${token}`);
    await expectWell();
  });

  it('and whose entries lie above its head is set right as well', async () => {
    const { expectWell } = await forged(
      `update hub_meta set epoch_token = ${BROKEN}, head = 1`,
      'delete from hub_commits',
    );
    await expectWell();
  });

  it.each([
    ['protocol = 2', 'HUB_NEWER'],
    [`key_check = replace(${RENUMBERED}, 'A', 'B')`, 'SYNC_KEY'],
  ])('says what to do where it may be true (%s), and that helps', async (change, code) => {
    const { sqld, a, b, expectWell } = await forged(`update hub_meta set ${change}`);
    const hint = expect.stringMatching(/If no.*an empty one at the same address/) as string;
    for (const one of [a, b]) await expect(one.sync()).rejects.toMatchObject({ code, hint });
    await sqld.kill();
    rmSync(join(sqld.dir, 'db'), { recursive: true });
    await sqld.restart();
    await expectWell();
  });

  it('is that of another store where it says so, however it does', async () => {
    const { a } = await forged(`update hub_meta set store_id = ${BROKEN}`);
    await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_FOREIGN' });
  });
});

describe('a hub that lost tables', () => {
  it.each([['hub_entries'], ['hub_commits'], ['hub_devices'], ['hub_entries', 'hub_devices']])(
    'gets them back, and what was in them (%s)',
    async (...tables) => {
      const { a, sql, expectWell } = await forged(...tables.map((name) => `drop table ${name}`));
      await a.sync();
      expect((await a.store.sync.status()).lastError).toMatchObject({
        code: 'HUB_DAMAGED',
        message: expect.stringContaining('lost a table') as string,
      });
      await expectWell();
      expect(
        await sql(`select count(*) > 1 from hub_entries where table_name = 'sessions'`),
      ).toEqual([[1]]);
    },
  );

  it('of another group is left alone', async () => {
    const { a, sql } = await forged(`update hub_meta set store_id = 'x'`, 'drop table hub_entries');
    await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_REFUSED' });
    expect(await sql(`select name from sqlite_master where name = 'hub_entries'`)).toEqual([]);
  });
});
