import type { IncomingMessage } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { makeHubKey } from '../../support/hub-token.ts';
import { workerDevice, type WorkerDevice } from '../../support/hub-worker.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

const isFeed = ({ url = '' }: IncomingMessage) => url.startsWith('/beta/listen');
const isExchange = (request: IncomingMessage) => !isFeed(request);
const SOON = { timeout: 10_000, interval: 20 };
const IN_THE_END = { timeout: 45_000, interval: 50 };

const add = async ({ store }: WorkerDevice, title: string) =>
  (await store.sessions.create({ title, workspace: '/w', model: 'm' })).id;

const idle = async ({ store }: WorkerDevice) => {
  const { pendingRows, lastSyncAt, lastError } = await store.sync.status();
  expect({ pendingRows, lastError, synced: lastSyncAt !== null }).toEqual({
    ...{ pendingRows: 0, lastError: null, synced: true },
  });
};

describe('runWorker', () => {
  it('sends a local change at once, and learns of it by the feed of the hub', async () => {
    const sqld = await startSqld();
    const feeds = await startFaultProxy(sqld.url, { only: isFeed });
    const a = await workerDevice(feeds.url);
    const b = await workerDevice(feeds.url);
    a.start();
    b.start();
    await feeds.seen('pass', 2);

    // Long before any timer: they run for 48 seconds and more.
    for (const title of ['one', 'two', 'three']) {
      const id = await add(a, title);
      await vi.waitFor(async () => {
        expect((await b.store.sessions.get(id)).title).toBe(title);
      }, SOON);
    }
    const status = await b.store.sync.status();
    expect(status.leader).toContain(`${process.pid}/`);
    expect(status.devices).toHaveLength(2);
    expect(Math.abs(status.clockOffsetMs ?? Infinity)).toBeLessThan(60_000);
  });

  it('asks nothing while nothing changes, its own notes included', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url, { only: isExchange });
    const a = await workerDevice(proxy.url);
    a.start();
    await add(a, 'one');
    await vi.waitFor(() => idle(a), SOON);
    // The feed is opened meanwhile, and looked at.
    await sleep(1500);
    const before = proxy.happened.pass;

    await sleep(2500);

    expect(proxy.happened.pass).toBe(before);
  });

  it('asks once for each change of its own, and pulls at once what others write', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url, { only: isExchange });
    const feeds = await startFaultProxy(proxy.url, { only: isFeed });
    const a = await workerDevice(feeds.url);
    a.start();
    await feeds.seen('pass');
    await add(a, 'one');
    await vi.waitFor(() => idle(a), SOON);
    // Until the looks after the opening of the feed are over.
    let before = 0;
    while (before !== (before = proxy.happened.pass)) await sleep(1000);

    const titles = ['two', 'three', 'four'];
    for (const title of titles) {
      await add(a, title);
      await vi.waitFor(() => idle(a), SOON);
      await sleep(400);
    }
    expect(proxy.happened.pass - before).toBe(titles.length);

    const b = await workerDevice(sqld.url);
    const id = await add(b, 'of b');
    await b.store.sync.now();
    await vi.waitFor(async () => {
      expect((await a.store.sessions.get(id)).title).toBe('of b');
    }, SOON);
  });

  it('stops after a 401, says so once, and goes on with another token', async () => {
    const key = await makeHubKey();
    const sqld = await startSqld({ jwtKey: key.publicKey });
    const proxy = await startFaultProxy(sqld.url);
    const tokenFile = join(tempFolder(), 'token');
    writeFileSync(tokenFile, await key.token());
    const a = await workerDevice(proxy.url, { tokenFile });
    writeFileSync(tokenFile, 'not.a.token');
    const before = proxy.happened.pass;

    a.start();
    await vi.waitFor(async () => {
      expect((await a.store.sync.status()).lastError?.code).toBe('HUB_ACCESS');
    }, SOON);
    await add(a, 'while it is locked out');
    await sleep(4000);

    expect(proxy.happened.pass - before).toBeLessThanOrEqual(1);
    writeFileSync(tokenFile, await key.token());
    await vi.waitFor(() => idle(a), SOON);
  });

  it('goes on by itself when the hub is back', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url);
    const a = await workerDevice(proxy.url);
    a.start();
    await vi.waitFor(() => idle(a), SOON);

    await proxy.refuse();
    await add(a, 'while it is away');
    await vi.waitFor(async () => {
      expect((await a.store.sync.status()).lastError?.code).toBe('HUB_UNREACHABLE');
    }, SOON);
    await proxy.accept();

    await vi.waitFor(() => idle(a), IN_THE_END);
  });

  it('waits as long as the hub asks for', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url);
    const a = await workerDevice(proxy.url);
    const answer = { kind: 'answer', status: 503, headers: { 'retry-after': '3' } } as const;
    proxy.next(answer);
    const before = proxy.happened.pass;

    a.start();
    await proxy.seen('answer');
    const start = performance.now();
    await proxy.seen('pass', before + 1);

    expect(performance.now() - start).toBeGreaterThan(2800);
    await vi.waitFor(() => idle(a), SOON);
  });

  it('goes on over a feed that ends again and again', async () => {
    const sqld = await startSqld();
    const feeds = await startFaultProxy(sqld.url, { only: isFeed });
    feeds.next({ kind: 'drop-request' }, { kind: 'answer', status: 404 });
    const a = await workerDevice(feeds.url);
    a.start();

    await feeds.seen('pass');

    expect(feeds.happened).toMatchObject({ 'drop-request': 1, answer: 1 });
  });

  it('ends in the middle of a request that is never answered', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url);
    const a = await workerDevice(proxy.url);
    proxy.always({ kind: 'black-hole' });
    a.start();
    await proxy.seen('black-hole');

    const ended = await Promise.race([
      a.stop().then(() => 'ended'),
      // The request itself would last 15 seconds.
      sleep(8000, 'still at it', { ref: false }),
    ]);

    expect(ended).toBe('ended');
    expect((await a.store.sync.status()).leader).toBeNull();
  });

  it('asks nobody while sync is off, and begins when it is turned on', async () => {
    const sqld = await startSqld();
    const proxy = await startFaultProxy(sqld.url);
    const a = await workerDevice();
    a.start();
    await add(a, 'one');
    await sleep(1000);
    expect(proxy.happened.pass).toBe(0);
    const notes = 'select count(*) from sync_status';
    expect(await a.database.read((reader) => reader.number(notes))).toBe(0);

    await a.store.sync.enable(proxy.url, { encryption: false });
    await vi.waitFor(() => idle(a), SOON);

    await a.store.sync.disable();
    await vi.waitFor(async () => {
      expect((await a.store.sync.status()).leader).toBeNull();
    }, SOON);
  });

  it('lets one lead and the other follow, who goes on at once when the first stops', async () => {
    const sqld = await startSqld();
    const a = await workerDevice(sqld.url);
    const sameFile = await workerDevice(undefined, {}, a.path);
    a.start();
    await vi.waitFor(() => idle(a), SOON);
    const { leader } = await a.store.sync.status();
    sameFile.start();
    await add(sameFile, 'by the one that stands by');
    await vi.waitFor(() => idle(sameFile), SOON);
    expect((await sameFile.store.sync.status()).leader).toBe(leader);
    expect(sameFile.exchanged).toBe(0);

    await a.stop();

    await add(sameFile, 'by the one that leads now');
    await vi.waitFor(() => {
      expect(sameFile.exchanged).toBeGreaterThan(0);
    }, SOON);
    await vi.waitFor(() => idle(sameFile), SOON);
  });

  it('indexes what it pulled', async () => {
    const sqld = await startSqld();
    const a = await workerDevice(sqld.url);
    const b = await workerDevice(sqld.url);
    const id = await add(a, 'a rare wombat');
    a.start();
    b.start();

    await vi.waitFor(async () => {
      const found = await b.store.search('wombat');
      expect(found.items.map((item) => item.id)).toEqual([id]);
    }, SOON);
  });
});
