import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { StoppedError } from '../../../src/errors.ts';
import { startFaultProxy, type Fault } from '../../support/fault-proxy.ts';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { identityOf, joinHub, type Member } from './member.ts';
import { rounds, seeded } from './seed.ts';

const unreachable = { code: 'HUB_UNREACHABLE', retryable: true };

/** What pushes entries, and not only asks: it carries their payloads. */
function isPush(request: IncomingMessage): boolean {
  return Number(request.headers['content-length']) > 8000;
}

async function pair(url: string, load: BaseLoad): Promise<[Member, Member]> {
  const a = await joinHub('a', url);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', url);
  await b.sync();
  return [a, b];
}

it('a push whose reply is lost or cut is repeated, and the repetition changes nothing', async () => {
  const random = seeded('lost replies of pushes');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: isPush });
  const load = new BaseLoad(random);
  const [a, b] = await pair(proxy.url, load);
  const ask = hubReader(sqld.url);
  const entries = () =>
    ask('select seq, table_name, id, register, version from hub_entries order by seq');
  const known = [identityOf(a), identityOf(b)];
  const before = { ...proxy.happened };

  const count = rounds(6);
  for (let round = 0; round < count; round++) {
    await load.burst(b, 10);
    await b.sync();
    await load.burst(a, 40);
    const lost: Fault =
      round % 2 === 0 ? { kind: 'drop-reply' } : { kind: 'cut-reply', bytes: random.below(400) };
    const former = await entries();
    proxy.next(lost);
    await expect(a.sync()).rejects.toMatchObject(unreachable);
    // It was committed, and nobody here knows.
    const after = await entries();
    expect(after).not.toEqual(former);
    expect((await a.store.sync.status()).pendingRows).toBeGreaterThan(0);
    await a.sync();
    expect(await entries()).toEqual(after);
  }
  expect(proxy.happened['drop-reply'] + proxy.happened['cut-reply']).toBe(count);
  expect(proxy.happened.pass).toBeGreaterThan(before.pass);
  await expectWhole({ load, members: [a, b], url: sqld.url });
  // Nobody took the lost reply for a copied store or for another hub.
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});

it('replies and requests that are lost anywhere lose nothing', async () => {
  const random = seeded('lost at random');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url);
  const load = new BaseLoad(random);
  const [a, b] = await pair(proxy.url, load);
  let failures = 0;
  let planned = Object.values(proxy.happened).reduce((sum, count) => sum + count);
  const meet = async (member: Member) => {
    await member.sync().catch((error: unknown) => {
      expect(error).toMatchObject(unreachable);
      failures++;
    });
  };
  for (let round = 0; round < rounds(12); round++) {
    const member = random.pick([a, b]);
    await load.burst(member, 12);
    const passing = Array.from({ length: random.below(6) }, () => ({ kind: 'pass' }) as const);
    const fault = random.pick<Fault>([
      { kind: 'drop-reply' },
      { kind: 'drop-request' },
      { kind: 'cut-reply', bytes: random.below(2000) },
      { kind: 'delay', requestMs: random.below(30), replyMs: random.below(30) },
    ]);
    proxy.next(...passing, fault);
    planned += passing.length + 1;
    await meet(member);
  }
  // Until every fault has been met.
  while (Object.values(proxy.happened).reduce((sum, count) => sum + count) < planned) await meet(a);
  const { happened } = proxy;
  const broken = happened['drop-reply'] + happened['drop-request'] + happened['cut-reply'];
  expect(broken).toBeGreaterThan(1);
  expect(failures).toBeGreaterThan(1);
  await expectWhole({ load, members: [a, b], url: sqld.url });
});

it('requests that arrive twice, or late, change nothing', async () => {
  const random = seeded('duplicates');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url);
  const load = new BaseLoad(random);
  const [a, b] = await pair(proxy.url, load);
  const known = [identityOf(a), identityOf(b)];

  proxy.always({ kind: 'duplicate' });
  for (let round = 0; round < rounds(4); round++) {
    await load.burst(a, 12);
    await load.burst(b, 12);
    // Both at once: their requests come in any order.
    await Promise.all([a.sync(), b.sync()]);
  }
  expect(proxy.happened.duplicate).toBeGreaterThan(20);
  proxy.always({ kind: 'pass' });
  await expectWhole({ load, members: [a, b], url: sqld.url });
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});

it('a push that arrives after its own repetition, and after later edits, overwrites nothing', async () => {
  const random = seeded('zombies');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: isPush });
  const load = new BaseLoad(random);
  const [a, b] = await pair(proxy.url, load);
  const known = [identityOf(a), identityOf(b)];
  const ask = hubReader(sqld.url);
  const versions = async () =>
    new Map(
      (await ask('select table_name, id, register, version from hub_entries')).map((row) => [
        row.slice(0, 3).join(' '),
        row[3] as string,
      ]),
    );

  const count = rounds(5);
  for (let round = 0; round < count; round++) {
    const session = random.pick(load.sessions);
    await load.rename(a, session);
    await load.burst(a, 40);
    proxy.next({ kind: 'hold' });
    const gone = new AbortController();
    const held = a.store.sync.now({ signal: gone.signal });
    const given = expect(held).rejects.toThrow(StoppedError);
    await proxy.seen('hold', round + 1);
    gone.abort();
    await given;
    await load.rename(a, session);
    // Half of them with the very number of the zombie, the others after pushes of their own.
    if (random.chance(0.5)) await a.sync();
    await load.rename(a, session);
    await a.sync();
    if (random.chance(0.5)) await load.rename(b, session);
    if (random.chance(0.5)) await b.sync();
    const before = await versions();
    await proxy.release();
    for (const [key, version] of await versions()) {
      expect(version >= (before.get(key) ?? ''), `${key} went back`).toBe(true);
    }
  }
  expect(proxy.happened.hold).toBe(count);
  await expectWhole({ load, members: [a, b], url: sqld.url });
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});

it('a push that arrives just before its own repetition is taken for the same one', async () => {
  const random = seeded('overtaken repetitions');
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: isPush });
  const load = new BaseLoad(random);
  const [a, b] = await pair(proxy.url, load);
  const known = [identityOf(a), identityOf(b)];
  const count = rounds(4);
  for (let round = 0; round < count; round++) {
    await load.burst(a, 40);
    proxy.next({ kind: 'hold' }, { kind: 'hold' });
    const gone = new AbortController();
    const first = a.store.sync.now({ signal: gone.signal });
    const given = expect(first).rejects.toThrow(StoppedError);
    await proxy.seen('hold', 2 * round + 1);
    gone.abort();
    await given;
    await load.rename(a);
    const second = a.sync();
    await proxy.seen('hold', 2 * round + 2);
    await proxy.release();
    await second;
    expect(identityOf(a)).toEqual(known[0]);
  }
  expect(proxy.happened.hold).toBe(2 * count);
  await expectWhole({ load, members: [a, b], url: sqld.url });
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});
