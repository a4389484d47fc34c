import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ParkedEntry } from '../../../src/index.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startSqld, type Sqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { joinHub, type Member } from './member.ts';
import { seeded } from './seed.ts';

/** Compressed, just above the 5,000,000 bytes that the hub takes. */
const LARGE = 6_800_000;

/** So much text that no compression makes small. */
function noise(bytes: number): string {
  return randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64');
}

async function group(url: string, load: BaseLoad, sqld: Sqld): Promise<[Member, Member]> {
  const a = await joinHub('a', url);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', sqld.url);
  await b.sync();
  return [a, b];
}

const parkedBy = async (member: Member) =>
  (await member.store.sync.parked()).map(({ direction, table, id, register, reason }) =>
    [direction, table, id, register, reason].join(' '),
  );

it('of five hundred rows the hub does not take three, and the others land', async () => {
  const random = seeded('a partial batch');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const [a, b] = await group(sqld.url, load, sqld);
  const ask = hubReader(sqld.url);

  const refused = random.pick(load.sessions);
  await ask(
    `create trigger refuse before insert on hub_entries
     when new.id = '${refused}' and new.register = 'title'
     begin select raise(abort, 'no'); end`,
  );
  const large = await a.store.transaction(async (tx) => {
    for (let i = 0; i < 250; i++) load.tasks.push((await tx.tasks.create({ prompt: `${i}` })).id);
    const { id } = await tx.tasks.create({ prompt: noise(LARGE) });
    for (let i = 0; i < 250; i++) load.tasks.push((await tx.tasks.create({ prompt: `${i}` })).id);
    return id;
  });
  // One that the hub holds already, in a version that it does take.
  const grown = random.pick(load.tasks.slice(0, 3));
  await a.store.tasks.update(grown, { prompt: noise(LARGE) });
  await load.rename(a, refused);
  await load.burst(a, 20);
  await a.store.sessions.rename(refused, 'refused');

  await a.sync();
  const bad = [
    `out sessions ${refused} title refused`,
    `out tasks ${grown} prompt size`,
    `out tasks ${large} prompt size`,
  ];
  expect((await parkedBy(a)).sort()).toEqual(bad.sort());
  expect((await a.store.sync.status()).parked).toBe(3);
  expect((await a.store.sync.status()).pendingRows).toBe(0);
  await b.sync();
  for (const id of load.tasks) expect((await b.store.tasks.get(id)).id).toBe(id);
  // It costs its own rows only, and no more requests.
  const head = (await ask('select head from hub_meta'))[0]?.[0];
  await a.sync();
  expect((await ask('select head from hub_meta'))[0]?.[0]).toBe(head);

  // Whoever makes a good row of it gets it through.
  await ask('drop trigger refuse');
  await load.rename(a, refused);
  for (const id of [large, grown]) await a.store.tasks.update(id, { prompt: 'short' });
  load.tasks.push(large);
  await a.sync();
  expect(await parkedBy(a)).toEqual([]);
  load.forget(grown);
  await expectWhole({ load, members: [a, b], url: sqld.url });
});

it('an edit made while a row is being refused is sent, and not set aside with it', async () => {
  const random = seeded('an edit beside a refusal');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, {
    only: (request) => Number(request.headers['content-length']) > 5_000_000,
  });
  const load = new BaseLoad(random);
  const [a, b] = await group(proxy.url, load, sqld);
  const task = random.pick(load.tasks);
  await a.store.tasks.update(task, { prompt: noise(LARGE) });
  proxy.next({ kind: 'hold' });
  const exchange = a.sync();
  await proxy.seen('hold');
  await a.store.tasks.update(task, { prompt: 'short' });
  await proxy.release();
  await exchange;
  expect(proxy.happened.hold).toBe(1);
  expect(await parkedBy(a)).toEqual([]);
  // What was written while all was pushed goes with the next exchange.
  await a.sync();
  await b.sync();
  expect((await b.store.tasks.get(task)).prompt).toBe('short');
  await expectWhole({ load, members: [a, b], url: sqld.url });
});

it('what a proxy finds too large (413) is split down to single rows, and these are set aside', async () => {
  const random = seeded('413');
  const sqld = await startSqld();
  const limit = 64 * 1024;
  const proxy = await startFaultProxy(sqld.url, {
    only: (request) => Number(request.headers['content-length']) > limit,
  });
  const load = new BaseLoad(random);
  const [a, b] = await group(proxy.url, load, sqld);
  proxy.always({ kind: 'answer', status: 413 });
  for (let i = 0; i < 200; i++) await load.append(a, undefined, noise(1000));
  const [thread] = load.events.keys();
  // One that goes in one piece, and one whose pieces are too large by themselves.
  const tags = [
    await load.append(a, thread, noise(2 * limit)),
    await load.append(a, thread, noise(1_200_000)),
  ];
  await load.burst(a, 20);

  await a.sync();
  expect(proxy.happened.answer).toBeGreaterThan(2);
  const parked: ParkedEntry[] = await a.store.sync.parked();
  expect(parked.map(({ direction, table, reason }) => [direction, table, reason])).toEqual([
    ['out', 'runtime_events', 'size'],
    ['out', 'runtime_events', 'size'],
  ]);
  expect(proxy.happened.answer).toBeGreaterThan(2);
  await b.sync();
  expect(await parkedBy(b)).toEqual([]);
  const there = await tagsOf(b, thread ?? '');
  const here = await tagsOf(a, thread ?? '');
  expect(here.filter((one) => !there.includes(one))).toEqual(tags);

  // The proxy takes more: offered anew, it goes, and nothing is set aside any more.
  proxy.always({ kind: 'pass' });
  await a.store.sync.enable(proxy.url, { encryption: false, pull: 'http', name: 'a' });
  await a.sync();
  expect(await parkedBy(a)).toEqual([]);
  await b.sync();
  expect((await tagsOf(b, thread ?? '')).sort()).toEqual(here.sort());
});

it('a body of five megabytes and pages beyond the limit of an answer arrive', async () => {
  const random = seeded('RESPONSE_TOO_LARGE');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const [a, b] = await group(sqld.url, load, sqld);
  const ask = hubReader(sqld.url);
  for (let i = 0; i < 20; i++) await load.append(a, undefined, noise(900_000));
  await load.append(a, undefined, noise(5_300_000));
  await load.burst(a, 20);
  await a.sync();
  // What a pull asks first is more than the hub answers.
  await expect(ask('select payload from hub_entries')).rejects.toMatchObject({
    code: 'HUB_TOO_LARGE',
  });
  expect(
    Number((await ask(`select count(*) from hub_entries where table_name = 'chunks'`))[0]?.[0]),
  ).toBe(6);
  await b.sync();
  await expectWhole({ load, members: [a, b], url: sqld.url });
});

async function tagsOf(member: Member, thread: string): Promise<string[]> {
  const { items } = await member.store.events.since(thread, 0, { limit: 4096 });
  return items.map(({ payload }) => (payload as { tag: string }).tag);
}
