import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, rebuildStore } from '../../../src/index.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, device, enable } from '../devices/group.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { flipByte, noise, PAGE, pagesOf, spoilPage } from './damage.ts';

// Row 26 of the fault matrix: what is lost here and lies on the hub comes back.
it('a rebuilt store gets back from the hub what was lost, and sends what the hub lacks', async () => {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const first = await device('first', { path });
  const witness = await device('witness');
  await enable(sqld.url, [first, witness]);
  const ids: string[] = [];
  await first.store.transaction(async (tx) => {
    for (let i = 0; i < 60; i++) {
      const { id } = await tx.sessions.create({ title: `session ${i}`, workspace: '/w' });
      ids.push(id);
      await tx.sessions.appendMessages(id, [
        { role: 'user', content: `message ${noise(60, i)}` },
        ...(i % 20 === 0 ? [{ role: 'assistant', content: noise(3000, i) }] : []),
      ]);
    }
  });
  await agree([first, witness]);
  // Written after the last exchange, some of it on pages that are damaged, some not.
  const unsent = await first.store.sessions.create({ title: 'not sent yet', workspace: '/w' });
  await first.store.sessions.rename(ids[59] as string, 'renamed, not sent yet');
  const former = (await first.store.sync.status()).deviceId;
  await first.store.close();

  for (const table of ['sessions', 'session_messages']) {
    const pages = pagesOf(path, table);
    spoilPage(path, pages[Math.floor(pages.length / 3)] as number);
  }
  spoilPage(path, pagesOf(path, 'outbox')[0] as number);
  flipByte(path, ((pagesOf(path, 'blob_chunks', 'overflow')[0] as number) - 1) * PAGE + 2000);
  const { tables, deviceId } = await rebuildStore(path);
  const lostOf = (name: string) => tables.find(({ table }) => table === name)?.lost ?? NaN;
  // The fault is there: rows are lost, and the notes of what was not sent.
  expect(lostOf('sessions')).toBeGreaterThan(0);
  expect(lostOf('session_messages')).toBeGreaterThan(0);
  expect(deviceId).not.toBe(former);

  first.store = await openStore({ path });
  await agree([first, witness]);
  expect((await first.store.check()).ok).toBe(true);
  expect((await first.store.sync.status()).deviceId).toBe(deviceId);
  for (const { store } of [first, witness]) {
    // What the repair put in the place of what was lost is nobody's edit.
    expect((await store.sync.conflicts()).items).toEqual([]);
    for (const [i, id] of ids.entries()) {
      const { title, workspace } = await store.sessions.get(id);
      expect(title).toBe(i === 59 ? 'renamed, not sent yet' : `session ${i}`);
      expect(workspace).toBe('/w');
      expect((await store.sessions.messages(id)).items).toHaveLength(i % 20 === 0 ? 2 : 1);
    }
    expect((await store.sessions.get(unsent.id)).title).toBe('not sent yet');
  }
  // Both go on.
  const after = await first.store.sessions.create({ title: 'after', workspace: '/w' });
  await agree([first, witness]);
  expect((await witness.store.sessions.get(after.id)).title).toBe('after');
});

it('a device is again where it was in a session when the message comes back that was lost', async () => {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const first = await device('first', { path });
  const witness = await device('witness');
  await enable(sqld.url, [first, witness]);
  const { sessions } = first.store;
  const say = async (id: string, content: string, parent?: string) => {
    const added = await sessions.appendMessages(id, [{ role: 'user', content }], { parent });
    return added[0] as string;
  };
  const begin = async () => {
    const { id } = await sessions.create({ title: 'two ways', workspace: '/w' });
    return { id, root: await say(id, noise(80)) };
  };
  const [chosen, own] = [await begin(), await begin()];
  const { id: other } = await sessions.create({ title: 'between', workspace: '/w' });
  for (let i = 0; i < 20; i++) await say(other, noise(80, i));
  const ends = [await say(chosen.id, 'the one way', chosen.root), await say(own.id, 'mine')];
  for (let i = 0; i < 20; i++) await say(other, noise(80, 20 + i));
  await say(chosen.id, 'the other way', chosen.root);
  await sessions.setCurrent(chosen.id, ends[0] as string);
  await agree([first, witness]);
  // Later, and not on top of what the first device wrote there.
  const theirs = [{ role: 'user', content: 'theirs' }];
  await witness.store.sessions.appendMessages(own.id, theirs, { parent: own.root });
  await agree([first, witness]);
  const shown = async () => {
    const lists = [chosen, own].map(({ id }) => first.store.sessions.messages(id));
    return (await Promise.all(lists)).map(({ items }) => items.at(-1)?.id);
  };
  expect(await shown()).toEqual(ends);
  await first.store.close();

  const bytes = readFileSync(path);
  for (const page of pagesOf(path, 'session_messages')) {
    const held = bytes.subarray((page - 1) * PAGE, page * PAGE);
    if (ends.some((id) => held.includes(id))) spoilPage(path, page);
  }
  await rebuildStore(path);
  first.store = await openStore({ path });
  for (const end of await shown()) expect(ends).not.toContain(end);
  expect((await first.store.check()).ok).toBe(true);
  await agree([first, witness]);
  expect(await shown()).toEqual(ends);
  expect((await first.store.check()).ok).toBe(true);
});

it('events that come back stand between those of their device, and a new one stands last', async () => {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const first = await device('first', { path });
  const witness = await device('witness');
  await enable(sqld.url, [first, witness]);
  const { id: threadId } = await first.store.runtime.createThread({ workspace: '/w', model: 'm' });
  await agree([first, witness]);
  const write = async ({ store }: typeof first) => {
    const some = Array.from({ length: 70 }, (_, n) => ({ type: 'note', payload: { n } }));
    const events = await store.events.append(threadId, some);
    return events.map(({ id }) => id);
  };
  for (let round = 0; round < 3; round++) {
    for (const one of [first, witness]) {
      await write(one);
      await agree([first, witness]);
    }
  }
  // Of these what is lost is lost for ever: a gap stays.
  const unsent = new Set(await write(first));
  const list = async () => (await first.store.events.since(threadId, 0, { limit: 1000 })).items;
  const before = await list();
  await first.store.close();
  const pages = pagesOf(path, 'runtime_events');
  // Many in a row, so that whole runs of them come back.
  for (const [i, page] of pages.slice(0, -1).entries()) if (i % 4 > 0) spoilPage(path, page);
  await rebuildStore(path);

  first.store = await openStore({ path });
  const kept = await list();
  expect(kept.length).toBeLessThan(before.length * 0.7);
  expect(kept.at(-1)?.seq).toBe(before.length);
  const [added] = await witness.store.events.append(threadId, [{ type: 'new', payload: {} }]);
  // It comes with what comes back.
  await witness.sync();
  await agree([first, witness]);
  const after = await list();
  const isKept = (id: string) => kept.some((event) => event.id === id);
  const left = before.filter(({ id }) => !unsent.has(id) || isKept(id));
  expect(left.length).toBeLessThan(before.length);
  expect(after).toHaveLength(left.length + 1);
  expect(after.at(-1)?.id).toBe(added?.id);
  expect(after.at(-1)?.seq).toBeGreaterThan(before.length);
  for (const writer of new Set(before.map((event) => event.device))) {
    const written = (events: typeof before) =>
      events
        .filter((event) => event.device === writer && event.type === 'note')
        .map(({ id }) => id);
    expect(written(after)).toEqual(written(left));
  }
});
