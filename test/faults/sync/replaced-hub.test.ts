import { randomBytes } from 'node:crypto';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Driver } from '../../../src/db/driver.ts';
import type { EnableOptions } from '../../../src/index.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { ReplicaHub } from '../../../src/sync/hub/replica-hub.ts';
import { freePort, startSqld, type Sqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { identityOf, joinHub, type Member } from './member.ts';
import { seeded } from './seed.ts';

async function backUp(sqld: Sqld): Promise<() => Promise<void>> {
  const copy = join(tempFolder(), 'backup');
  await sqld.stop();
  cpSync(join(sqld.dir, 'db'), copy, { recursive: true });
  await sqld.restart();
  return async () => {
    await sqld.stop();
    rmSync(join(sqld.dir, 'db'), { recursive: true });
    cpSync(copy, join(sqld.dir, 'db'), { recursive: true });
    await sqld.restart();
  };
}

async function group(
  sqld: Sqld,
  load: BaseLoad,
  options: EnableOptions = {},
): Promise<Record<'a' | 'b' | 'c', Member>> {
  const a = await joinHub('a', sqld.url, options);
  await load.begin(a);
  await load.burst(a, 30);
  await a.sync();
  // One that reads through a copy of the hub: that goes back or is wiped with the hub.
  const b = await joinHub('b', sqld.url, { ...options, pull: 'replica' });
  const c = await joinHub('c', sqld.url, options);
  for (const member of [b, c]) {
    await member.sync();
    await load.burst(member, 10);
    await member.sync();
  }
  return { a, b, c };
}

const epochOf = (member: Member) => Number(identityOf(member)['epoch']);
const storeOf = (member: Member) => identityOf(member)['storeId'];

it('a hub that was restored from a backup is noticed, and gets back what it lost', async () => {
  const random = seeded('a restored hub');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { a, b, c } = await group(sqld, load);
  const ask = hubReader(sqld.url);
  const restore = await backUp(sqld);
  const [before] = await ask('select head, epoch from hub_meta');
  for (let round = 0; round < 3; round++) {
    // c was away: it knows the state of the backup only.
    for (const member of [a, b]) {
      await load.burst(member, 20);
      await member.sync();
    }
  }
  await load.burst(c, 20);
  const [lost] = await ask('select head from hub_meta');
  await restore();
  expect(await ask('select head, epoch from hub_meta')).toEqual([before]);
  expect(Number(lost?.[0])).toBeGreaterThan(Number(before?.[0]) + 50);

  const known = [a, b, c].map((member) => identityOf(member)['device']);
  const epoch = epochOf(a);
  await Promise.all([a.sync(), b.sync(), c.sync()]);
  await expectWhole({ load, members: [a, b, c], url: sqld.url });
  // Raised once, whoever noticed, and nobody was taken for a copy.
  for (const member of [a, b, c]) expect(epochOf(member)).toBe(epoch + 1);
  expect([a, b, c].map((member) => identityOf(member)['device'])).toEqual(known);
});

it('a copy of the hub that lacks what the hub holds hides nothing', async () => {
  const sqld = await startSqld();
  const load = new BaseLoad(seeded('a mixed copy'));
  const { a, b, c } = await group(sqld, load);
  await load.burst(a, 100);
  await a.sync();
  // A hub that is put back and goes on sends a copy only what lies after the place where it was before:
  // pages of two histories, sound to look at.
  const path = join(dirname(b.path), 'hub-replica.db');
  const replica = new ReplicaHub({ path, url: sqld.url, token: () => undefined });
  await replica.sync();
  replica.close();
  const copy = new Driver(path);
  copy.exec('delete from hub_entries where seq % 3 = 0');
  copy.pragma('wal_checkpoint(TRUNCATE)');
  copy.close();
  await b.sync();
  await expectWhole({ load, members: [a, b, c], url: sqld.url });
});

it('a copy of the hub with more than the hub can list at once ends no exchange', async () => {
  const sqld = await startSqld();
  const load = new BaseLoad(seeded('a long list'));
  const { a, b, c } = await group(sqld, load);
  const writer = new HttpHub({ url: sqld.url, token: () => undefined });
  const ids = `with recursive n (i) as (values (1) union all select i + 1 from n where i < 30)
    insert into hub_entries select (select head from hub_meta) + i, 'tasks',
      i || printf('%.*c', 400000, 'x'), 'title', '', 0, 1, x'00' from n`;
  const head = 'update hub_meta set head = head + 30';
  await writer.run(
    [ids, head].map((sql) => ({ sql, params: [] })),
    'write',
  );
  writer.close();
  await b.sync();
  await load.burst(a, 5);
  for (const member of [a, b, c]) await member.sync();
  // What nobody can read waits on each of them; all else is there.
  const digests = await Promise.all([a, b, c].map(({ store }) => store.sync.verify()));
  expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1);
  expect(b.row('select count(*) from session_messages')).toEqual(
    a.row('select count(*) from session_messages'),
  );
}, 300_000);

it('a restored hub is noticed although others have pushed it past what was lost', async () => {
  const random = seeded('a restored hub that went on');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { a, b, c } = await group(sqld, load);
  await a.sync();
  const ask = hubReader(sqld.url);
  const restore = await backUp(sqld);
  // Nobody else has read these when they are lost.
  for (let i = 0; i < 6; i++) await load.append(a);
  await a.sync();
  const [remembered] = a.row('select pair_head from sync_state') ?? [];
  await restore();
  // One at a time, so that the hub has been at every number: only its tokens tell.
  for (let head = 0; head <= Number(remembered);) {
    await load.append(c);
    await c.sync();
    head = Number((await ask('select head from hub_meta'))[0]?.[0]);
  }
  const [again] = await ask(`select count(*) from hub_commits where head = ${String(remembered)}`);
  expect(again).toEqual([1]);
  const epoch = epochOf(a);
  await a.sync();
  await expectWhole({ load, members: [a, b, c], url: sqld.url });
  for (const member of [a, b, c]) expect(epochOf(member)).toBe(epoch + 1);
});

it('a hub that was wiped is refilled under the known store id, by all at once', async () => {
  const random = seeded('a wiped hub');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  // The lock of the keys was lost with the hub, too.
  const keyFile = join(tempFolder(), 'key');
  writeFileSync(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const options = { encryption: true, keyFile };
  const { a, b, c } = await group(sqld, load, options);
  const storeId = storeOf(a);
  const known = [a, b, c].map((member) => identityOf(member)['device']);
  await sqld.kill();
  rmSync(join(sqld.dir, 'db'), { recursive: true });
  await sqld.restart();
  const ask = hubReader(sqld.url);
  expect(await ask(`select count(*) from sqlite_master where name = 'hub_meta'`)).toEqual([[0]]);

  for (const member of [a, b, c]) await load.burst(member, 10);
  await Promise.all([a.sync(), b.sync(), c.sync()]);
  await expectWhole({ load, members: [a, b, c], url: sqld.url, options });
  expect((await ask('select store_id from hub_meta'))[0]).toEqual([storeId]);
  for (const member of [a, b, c]) expect(storeOf(member)).toBe(storeId);
  expect([a, b, c].map((member) => identityOf(member)['device'])).toEqual(known);
});

it('behind the address is the hub of others: nothing is sent or read until the right one is back', async () => {
  const random = seeded('a foreign hub');
  const port = await freePort();
  const ours = await startSqld({ port });
  const load = new BaseLoad(random);
  const { a, b, c } = await group(ours, load);
  await ours.stop();
  const theirs = await startSqld({ port });
  const stranger = await joinHub('stranger', theirs.url);
  await new BaseLoad(random).begin(stranger);
  await stranger.sync();
  const ask = hubReader(theirs.url);
  const state = async () => [
    await ask('select * from hub_meta'),
    await ask('select id, name from hub_devices'),
    await ask('select seq, id, version from hub_entries order by seq'),
  ];
  const before = await state();
  expect(before[2]).not.toEqual([]);

  for (const member of [a, b, c]) {
    await load.burst(member, 10);
    const { digest } = await member.store.sync.verify();
    for (let i = 0; i < 2; i++) {
      await expect(member.sync()).rejects.toMatchObject({ code: 'HUB_FOREIGN', retryable: false });
    }
    expect((await member.store.sync.verify()).digest).toBe(digest);
    const { lastError, pendingRows } = await member.store.sync.status();
    expect(lastError).toMatchObject({ code: 'HUB_FOREIGN' });
    expect(pendingRows).toBeGreaterThan(0);
    await expect(member.store.sync.enable(theirs.url, { encryption: false })).rejects.toMatchObject(
      {
        code: 'HUB_FOREIGN',
      },
    );
  }
  expect(await state()).toEqual(before);

  await theirs.stop();
  await ours.restart();
  await expectWhole({ load, members: [a, b, c], url: ours.url });
  for (const member of [a, b, c]) expect(storeOf(member)).not.toBe(storeOf(stranger));
});
