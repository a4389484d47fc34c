import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../../src/db/open.ts';
import { openStore, type Store } from '../../../src/index.ts';
import { connect } from '../../../src/sync/connect.ts';
import type { Exchange } from '../../../src/sync/exchange.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { pushOnce } from '../../../src/sync/push-once.ts';
import { readNext } from '../../../src/sync/read-ahead.ts';
import { syncOnce } from '../../../src/sync/sync-once.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { agree, asMachine, device, enable, type Device } from '../devices/group.ts';

/** Two devices with one key, the first behind a proxy. */
async function group() {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url);
  const a = await device('a');
  const b = await device('b');
  const keyFile = await enable(sqld.url, [a, b]);
  await a.store.sync.enable(proxy.url, { name: 'a', pull: 'http', keyFile });
  await agree([a, b]);
  return { sqld, proxy, a, b };
}

type Group = Awaited<ReturnType<typeof group>>;

/** Runs the worker of a store until it is stopped. */
function work(store: Store): { stop(): Promise<void> } {
  const controller = new AbortController();
  const running = (async () => {
    for await (const _report of store.sync.watch({ signal: controller.signal }));
  })();
  const stop = async () => {
    controller.abort();
    await running;
  };
  onTestFinished(stop);
  return { stop };
}

/** The key that was told opens the hub for the other device. */
async function expectKey({ sqld, a, b }: Group, phrase: string | null): Promise<void> {
  const keyFile = join(tempFolder(), 'hub.key');
  writeFileSync(keyFile, phrase ?? '', { mode: 0o600 });
  await b.store.sync.enable(sqld.url, { name: 'b', pull: 'http', keyFile });
  await a.store.tasks.create({ prompt: 'after the rotation' });
  await agree([a, b]);
  expect((await b.store.tasks.list()).items).toHaveLength(1);
}

/** Under which keys the entries on the hub are sealed. */
async function keyNumbers(url: string): Promise<number[]> {
  const hub = new HttpHub({ url, token: () => undefined });
  const sql = 'select distinct key_number from hub_entries order by 1';
  const [rows = []] = await hub.run([{ sql, params: [] }], 'read');
  hub.close();
  return rows.map((row) => Number(row[0]));
}

/** What another process of the device exchanges with, as a worker does. */
async function elsewhere({ path }: { readonly path: string }): Promise<Exchange> {
  const database = await openDatabase(path, { durability: 'normal', readOnly: false }, Date.now);
  const connected = await asMachine('a', () => connect({ database, now: Date.now }));
  onTestFinished(async () => {
    connected.close();
    await database.close();
  });
  return connected.exchange;
}

it('an exchange that is under way when a new key is made seals with it', async () => {
  const { sqld, a } = await group();
  await a.store.tasks.create({ prompt: 'under the former key' });
  await a.sync();
  const exchange = await elsewhere(a);
  await a.store.sync.rotateKey();
  await a.store.tasks.create({ prompt: 'under the new key' });

  await syncOnce(exchange, undefined, undefined, 'push');

  expect(await keyNumbers(sqld.url)).toEqual([2]);
});

it('what was sealed before a new key was made is not sent after it', async () => {
  const { sqld, a } = await group();
  const exchange = await elsewhere(a);
  await a.store.tasks.create({ prompt: 'under the former key' });
  exchange.memory.next = await readNext(exchange);
  await a.store.sync.rotateKey();

  expect((await pushOnce(exchange)).outcome).toBe('stale');
  await syncOnce(exchange);
  expect(await keyNumbers(sqld.url)).toEqual([2]);
});

it('everything is sealed anew also where the answer to a new key is lost', async () => {
  const { sqld, proxy, a } = await group();
  await a.store.tasks.create({ prompt: 'under the former key' });
  await a.sync();
  proxy.next({ kind: 'drop-reply' });
  await expect(a.store.sync.rotateKey()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
  await a.sync();
  expect(await keyNumbers(sqld.url)).toEqual([2]);
});

it('a new key is not thrown away when its request arrives twice', async () => {
  const all = await group();
  all.proxy.next({ kind: 'duplicate' });
  const { phrase } = await all.a.store.sync.rotateKey();
  expect(all.proxy.happened.duplicate).toBe(1);
  await expectKey(all, phrase);
});

it('a new key is not thrown away when the worker was quicker to bring it to the hub', async () => {
  const all = await group();
  const { proxy, a } = all;
  proxy.next({ kind: 'hold' });
  const rotated = a.store.sync.rotateKey();
  await proxy.seen('hold');
  // The worker beside it sees that the hub has an older lock than this device.
  await a.sync();
  await proxy.release();
  await expectKey(all, (await rotated).phrase);
});

it('a new key is given up where another device was quicker', async () => {
  const all = await group();
  const { proxy, a, b } = all;
  proxy.next({ kind: 'hold' });
  const rotated = a.store.sync.rotateKey();
  await proxy.seen('hold');
  const { phrase } = await b.store.sync.rotateKey();
  await proxy.release();
  await expect(rotated).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(a.sync()).rejects.toMatchObject({ code: 'SYNC_KEY' });
  const keyFile = join(tempFolder(), 'hub.key');
  writeFileSync(keyFile, phrase ?? '', { mode: 0o600 });
  await a.store.sync.enable(proxy.url, { name: 'a', pull: 'http', keyFile });
  await agree([a, b]);
});

/** News of the hub all the time, so that the worker of a never has the time to look around. */
function keepBusy(a: Device, b: Device): { stop(): Promise<void> } {
  const workers = [work(b.store), work(a.store)];
  const state = { over: false };
  onTestFinished(() => {
    state.over = true;
  });
  const writing = (async () => {
    while (!state.over) {
      await b.store.tasks.create({ prompt: 'news' });
      await sleep(5);
    }
  })();
  const stop = async () => {
    state.over = true;
    await writing;
    for (const worker of workers) await worker.stop();
  };
  return { stop };
}

async function comes({ store }: Device, id: string): Promise<void> {
  const until = Date.now() + 30_000;
  const isThere = () => store.tasks.get(id).then(Boolean, () => false);
  while (!(await isThere())) {
    expect(Date.now(), 'it has come').toBeLessThan(until);
    await sleep(20);
  }
}

it('a worker that always has something to do goes on with the key that another process made', async () => {
  const { sqld, a, b } = await group();
  const busy = keepBusy(a, b);
  for (let round = 0; round < 3; round++) {
    const other = await openStore({ path: a.path });
    const { phrase } = await other.sync.rotateKey();
    await other.close();
    const keyFile = join(tempFolder(), 'hub.key');
    writeFileSync(keyFile, phrase ?? '', { mode: 0o600 });
    await b.store.sync.enable(sqld.url, { name: 'b', pull: 'http', keyFile });
    const { id } = await b.store.tasks.create({ prompt: 'under the new key' });
    await comes(a, id);
  }
  await busy.stop();
  await agree([a, b]);
  expect((await a.store.sync.status()).parked).toBe(0);
});

it('a worker that always has something to do goes to the address that another process gave', async () => {
  const { sqld, proxy, a, b } = await group();
  const busy = keepBusy(a, b);
  await comes(a, (await b.store.tasks.create({ prompt: 'by the former address' })).id);
  const other = await openStore({ path: a.path });
  await other.sync.enable(sqld.url, { name: 'a', pull: 'http' });
  await other.close();
  await comes(a, (await b.store.tasks.create({ prompt: 'meanwhile' })).id);
  await proxy.refuse();
  await comes(a, (await b.store.tasks.create({ prompt: 'by the new address' })).id);
  await busy.stop();
});
