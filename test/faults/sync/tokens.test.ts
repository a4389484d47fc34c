import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { makeHubKey, type HubKey } from '../../support/hub-token.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole } from './checkers.ts';
import { joinHub, work, type Member } from './member.ts';
import { seeded } from './seed.ts';

const GENEROUS_MS = 60_000;
/** sqld lets so much pass after the end of a token. */
const LEEWAY_S = 60;

const isExchange = ({ method }: IncomingMessage) => method === 'POST';

async function locked(load: BaseLoad, only = isExchange) {
  const key = await makeHubKey();
  const sqld = await startSqld({ jwtKey: key.publicKey });
  const proxy = await startFaultProxy(sqld.url, { only });
  const [tokenFile, otherFile] = ['a', 'b'].map((name) => join(tempFolder(), name)) as [
    string,
    string,
  ];
  for (const file of [tokenFile, otherFile]) writeFileSync(file, await key.token());
  const a = await joinHub('a', proxy.url, { tokenFile });
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', sqld.url, { tokenFile: otherFile });
  await b.sync();
  const group = {
    load,
    url: sqld.url,
    options: { tokenFile: otherFile },
    token: () => key.token(),
  };
  return { key, proxy, a, b, tokenFile, group };
}

async function untilError(member: Member): Promise<void> {
  const end = Date.now() + GENEROUS_MS;
  while ((await member.store.sync.status()).lastError === null) {
    expect(Date.now()).toBeLessThan(end);
    await sleep(20);
  }
}

/** The status, who gives it, and the requests until then: a token that reads lets the pull pass. */
const WRONG: readonly (readonly [string, (key: HubKey) => Promise<string>, number])[] = [
  ['401', async () => (await makeHubKey()).token(), 1],
  ['403', (key) => key.token({ readOnly: true }), 2],
];

it.each(WRONG)(
  '%s stops the exchange with one clear status until there is another token',
  async (status, wrong, requests) => {
    const random = seeded(`a token that gives ${status}`);
    const load = new BaseLoad(random);
    const { key, proxy, a, b, tokenFile, group } = await locked(load);
    writeFileSync(tokenFile, await wrong(key));
    await load.burst(a, 10);
    const before = proxy.happened.pass;
    work(a);
    await untilError(a);
    for (let i = 0; i < 40; i++) {
      await load.burst(a, 1);
      await sleep(100);
    }
    const { lastError, pendingRows } = await a.store.sync.status();
    expect(lastError).toMatchObject({ code: 'HUB_ACCESS', retryable: false });
    expect(lastError?.message).toContain(status);
    expect(lastError?.hint).toContain('hub token');
    expect(pendingRows).toBeGreaterThan(0);
    // Once, perhaps twice, and no more however much is written.
    expect(proxy.happened.pass - before).toBeLessThanOrEqual(2 * requests);

    writeFileSync(tokenFile, await key.token());
    await load.burst(b, 5);
    await b.sync();
    work(b);
    await expectWhole({ ...group, members: [a, b], by: 'itself' });
    expect((await a.store.sync.status()).lastError).toBeNull();
  },
);

it('a token that expires between two exchanges costs nothing but the time until the next one', async () => {
  const random = seeded('an expiring token');
  const load = new BaseLoad(random);
  const { key, a, b, tokenFile, group } = await locked(load);
  // Three more seconds.
  writeFileSync(tokenFile, await key.token({ expiresInS: 3 - LEEWAY_S }));
  work(a);
  work(b);
  await load.burst(a, 5);
  const good = Date.now() + GENEROUS_MS;
  while ((await a.store.sync.status()).pendingRows > 0) {
    expect(Date.now()).toBeLessThan(good);
    await sleep(20);
  }
  while ((await a.store.sync.status()).lastError === null) {
    expect(Date.now()).toBeLessThan(good);
    for (const member of [a, b]) await load.burst(member, 1);
    await sleep(50);
  }
  expect((await a.store.sync.status()).lastError).toMatchObject({ code: 'HUB_ACCESS' });
  await load.burst(a, 5);
  expect((await a.store.sync.status()).pendingRows).toBeGreaterThan(0);
  writeFileSync(tokenFile, await key.token());
  await expectWhole({ ...group, members: [a, b], by: 'itself' });
});

const EXPIRED = { kind: 'answer', status: 401 } as const;
/** So large that a few are several pushes. */
const LARGE_BYTES = 700_000;
const LARGE = 5;

async function appendLarge(load: BaseLoad, member: Member): Promise<void> {
  for (let i = 0; i < LARGE; i++)
    await load.append(member, undefined, randomBytes((LARGE_BYTES * 3) / 4).toString('base64'));
}

const eventsOf = (member: Member) => Number(member.row('select count(*) from runtime_events')?.[0]);

it('a token that expires between two pushes of one exchange: what landed stays, the rest follows', async () => {
  const random = seeded('expired between pushes');
  const load = new BaseLoad(random);
  const isPush = (request: IncomingMessage) =>
    Number(request.headers['content-length']) > LARGE_BYTES;
  const { key, proxy, a, b, tokenFile, group } = await locked(load, isPush);
  await appendLarge(load, a);
  proxy.next({ kind: 'pass' });
  proxy.always(EXPIRED);
  await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_ACCESS' });
  expect([proxy.happened.pass, proxy.happened.answer]).toEqual([1, 1]);
  await b.sync();
  const landed = eventsOf(b);
  expect(landed).toBeGreaterThan(0);
  expect(landed).toBeLessThan(LARGE);
  expect((await a.store.sync.status()).pendingRows).toBe(LARGE - landed);

  writeFileSync(tokenFile, await key.token());
  proxy.calm();
  expect((await a.sync()).pushed).toBe(LARGE - landed);
  await expectWhole({ ...group, members: [a, b] });
});

/** More than the first page takes. */
const MANY = 1200;

it('a token that expires between two pages of one pull: what came stays, the rest follows', async () => {
  const random = seeded('expired between pages');
  const load = new BaseLoad(random);
  const { key, proxy, a, b, tokenFile, group } = await locked(load);
  const thread = load.thread();
  for (let i = 0; i < 2; i++) {
    const tags = Array.from({ length: MANY / 2 }, (_, n) => `many-${i}-${n}`);
    const events = tags.map((tag) => ({ type: 'load', payload: { tag, by: b.name } }));
    await b.store.events.append(thread, events);
    for (const tag of tags) load.acknowledged(thread, b.name, tag);
  }
  await b.sync();
  const before = proxy.happened.pass;
  proxy.next({ kind: 'pass' });
  proxy.always(EXPIRED);
  await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_ACCESS' });
  expect(proxy.happened.pass - before).toBe(1);
  expect(proxy.happened.answer).toBeGreaterThan(0);
  const came = eventsOf(a);
  expect(came).toBeGreaterThan(0);
  expect(came).toBeLessThan(MANY);

  writeFileSync(tokenFile, await key.token());
  proxy.calm();
  expect((await a.sync()).pulled).toBe(MANY - came);
  await expectWhole({ ...group, members: [a, b] });
});
