import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startFaultProxy, type Fault, type FaultProxy } from '../../support/fault-proxy.ts';
import { startSlowLine } from '../../support/slow-line.ts';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { joinHub, work, type Member } from './member.ts';
import { rounds, seeded } from './seed.ts';

const GENEROUS_MS = 60_000;
/** What a hub may be silent for is less than the backlog takes that is to go up such a line. */
const SLOW_BYTES_PER_S = 40_000;
const BACKLOG_BYTES = 800_000;
const isExchange = (request: IncomingMessage) => request.method === 'POST';

/** Devices with a proxy each, and what all of them edit. */
async function proxied(hub: string, load: BaseLoad, names: readonly string[]) {
  const members: Member[] = [];
  const proxies: FaultProxy[] = [];
  for (const name of names) {
    const proxy = await startFaultProxy(hub, { only: isExchange });
    const member = await joinHub(name, proxy.url);
    if (members.length === 0) await load.begin(member);
    await member.sync();
    members.push(member);
    proxies.push(proxy);
  }
  return { members, proxies };
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + GENEROUS_MS;
  while (!(await met())) {
    expect(Date.now()).toBeLessThan(end);
    await sleep(20);
  }
}

/** So many writes, one after the other, until `over`; of each how long it took, in milliseconds. */
async function timed(load: BaseLoad, member: Member, count: number, over = () => false) {
  const took: number[] = [];
  while (took.length < count && !over()) {
    const start = performance.now();
    await load.burst(member, 1);
    took.push(performance.now() - start);
  }
  return took.sort((a, b) => a - b);
}

/** C9: most writes take as long as they do in quiet times of the same run, give or take a lot. */
function expectUnnoticed(quiet: readonly number[], during: readonly number[]): void {
  const usual = quiet[Math.floor(quiet.length / 2)] as number;
  expect(during[Math.floor(during.length / 4)]).toBeLessThan(3 * usual + 50);
}

const errorOf = async (member: Member) => (await member.store.sync.status()).lastError;

it('a partition, replies that never come, slow and late ones: all meet again by themselves', async () => {
  const random = seeded('partitions');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { members, proxies } = await proxied(sqld.url, load, ['cut', 'deaf', 'late']);
  const [cut, deaf, late] = proxies;
  const line = await startSlowLine(sqld.url, SLOW_BYTES_PER_S);
  const slow = await joinHub('slow', line.url);
  await slow.sync();
  members.push(slow);
  const [first, second] = members as [Member, Member];
  const quiet = await timed(load, first, 20);
  for (let i = 0; i < BACKLOG_BYTES / 20_000; i++) {
    await load.append(slow, undefined, randomBytes(15_000).toString('base64'));
  }
  for (const member of members) work(member);

  await cut?.refuse();
  deaf?.always({ kind: 'drop-reply' });
  late?.always({ kind: 'delay', requestMs: 250, replyMs: 250 });
  const during = new Map(members.map((member) => [member, [] as number[]]));
  for (let round = 0; round < rounds(5); round++) {
    for (const [member, took] of during) took.push(...(await timed(load, member, 5)));
    await sleep(100);
  }
  for (const took of during.values())
    expectUnnoticed(
      quiet,
      took.sort((a, b) => a - b),
    );
  for (const member of [first, second]) {
    await until(async () => (await errorOf(member)) !== null);
    expect(await errorOf(member)).toMatchObject({
      code: 'HUB_UNREACHABLE',
      retryable: true,
    });
  }
  await deaf?.seen('drop-reply', 1);
  await late?.seen('delay', 2);
  await cut?.accept();
  deaf?.always({ kind: 'pass' });
  // The slow line is as slow as it was, and the late answers are late.
  await expectWhole({ load, members, url: sqld.url, by: 'itself' });
  for (const member of members) expect(await errorOf(member)).toBeNull();
  expect(line.passed.up).toBeGreaterThan(BACKLOG_BYTES);
});

it('a hub that swallows requests is given up in time, and local work does not notice', async () => {
  const random = seeded('a black hole');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { members, proxies } = await proxied(sqld.url, load, ['a']);
  const [a, proxy] = [members[0] as Member, proxies[0] as FaultProxy];
  const quiet = await timed(load, a, 20);
  proxy.always({ kind: 'black-hole' });
  const start = Date.now();
  const state = { over: false };
  const exchange = a.sync().finally(() => {
    state.over = true;
  });
  exchange.catch(() => undefined);
  await proxy.seen('black-hole');
  // It has answered nothing, and will not.
  const during = await timed(load, a, 40, () => state.over);
  expect(during.length).toBeGreaterThan(5);
  expectUnnoticed(quiet, during);
  await expect(exchange).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true });
  // The deadline is 15 s, once.
  expect(Date.now() - start).toBeLessThan(28_000);
  expect(proxy.happened['black-hole']).toBe(1);
  proxy.always({ kind: 'pass' });
  await expectWhole({ load, members, url: sqld.url });
});

const HTML = { 'content-type': 'text/html' };
const ANSWERS: readonly (readonly [string, Fault & { kind: 'answer' }, string])[] = [
  ['429', { kind: 'answer', status: 429, headers: { 'retry-after': '1' } }, 'HUB_BUSY'],
  ['500', { kind: 'answer', status: 500, body: 'oops' }, 'HUB_UNREACHABLE'],
  ['502', { kind: 'answer', status: 502, headers: HTML, body: '<p>bad' }, 'HUB_UNREACHABLE'],
  ['503', { kind: 'answer', status: 503, headers: { 'retry-after': '1' } }, 'HUB_BUSY'],
  ['504', { kind: 'answer', status: 504 }, 'HUB_UNREACHABLE'],
  ['a web page', { kind: 'answer', status: 200, headers: HTML, body: '<p>log in' }, 'HUB_REFUSED'],
  [
    'half of an answer',
    { kind: 'answer', status: 200, body: '{"results":[{"ty' },
    'HUB_UNREACHABLE',
  ],
  ['another answer', { kind: 'answer', status: 200, body: '{}' }, 'HUB_REFUSED'],
];

it('answers of broken hubs and proxies are told apart, change nothing, and pass', async () => {
  const random = seeded('broken answers');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { members, proxies } = await proxied(sqld.url, load, ['a', 'b']);
  const [a, proxy] = [members[0] as Member, proxies[0] as FaultProxy];
  const elsewhere = await startFaultProxy(sqld.url);
  const location = `${elsewhere.url}/v3/pipeline`;
  const redirects = [301, 302, 307, 308].map(
    (status) =>
      [`${status}`, { kind: 'answer', status, headers: { location } }, 'HUB_REFUSED'] as const,
  );
  const ask = hubReader(sqld.url);
  const head = (await ask('select head from hub_meta'))[0]?.[0];
  for (const [what, fault, code] of [...ANSWERS, ...redirects]) {
    await load.burst(a, 3);
    proxy.always(fault);
    await expect(a.sync(), what).rejects.toMatchObject({ code });
    expect(await errorOf(a), what).toMatchObject({ code });
    expect((await a.store.sync.status()).pendingRows, what).toBeGreaterThan(0);
  }
  expect(proxy.happened.answer).toBeGreaterThanOrEqual(ANSWERS.length + redirects.length);
  expect((await ask('select head from hub_meta'))[0]?.[0]).toBe(head);
  expect(elsewhere.happened.pass).toBe(0);
  proxy.always({ kind: 'pass' });
  await expectWhole({ load, members, url: sqld.url });
});

it('a hub that fails for a while is not stormed, and the worker goes on when it is well', async () => {
  const random = seeded('backoff');
  const sqld = await startSqld();
  const load = new BaseLoad(random);
  const { members, proxies } = await proxied(sqld.url, load, ['failing', 'busy']);
  const [failing, busy] = proxies;
  failing?.always({ kind: 'answer', status: 500 });
  busy?.always({ kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
  for (const member of members) work(member);
  await failing?.seen('answer');
  await busy?.seen('answer');
  // Local changes, which otherwise are sent at once, and some seconds in which a storm would show.
  for (let round = 0; round < 30; round++) {
    for (const member of members) await load.burst(member, 1);
    await sleep(100);
  }
  expect(failing?.happened.answer).toBeLessThan(30);
  // It asked to be left alone for ten minutes: it is, for most of one.
  expect(busy?.happened.answer).toBe(1);
  failing?.always({ kind: 'pass' });
  const [first] = members;
  await until(
    async () => first !== undefined && (await first.store.sync.status()).pendingRows === 0,
  );
  busy?.always({ kind: 'pass' });
  await expectWhole({ load, members, url: sqld.url });
});
