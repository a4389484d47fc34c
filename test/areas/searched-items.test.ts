import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { openStore, rebuildStore, type Store } from '../../src/index.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const CALL = { kind: 'tool_call', status: 'in_progress', detail: 'calling' } as const;

/** A turn that ended with an item that never did, and another one that goes on with one. */
async function work(store: Store) {
  const ended = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const turn = await store.runtime.startTurn(ended.id);
  const item = await store.runtime.saveItem(turn.id, { ...CALL, summary: 'xylophone' });
  expect(await found(store)).toEqual([]);
  await store.runtime.finishTurn(turn.id);
  const going = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const open = await store.runtime.startTurn(going.id);
  await store.runtime.saveItem(open.id, { ...CALL, summary: 'xylophone' });
  return { item, turn, thread: ended, open };
}

/** Nothing of the search is left to be done, or missed by the check. */
async function found(store: Store, query = 'xylophone') {
  const { checks } = await store.check();
  expect(checks.filter(({ name, ok }) => name === 'search index' && !ok)).toEqual([]);
  return (await store.search(query)).items.map(({ id }) => id);
}

it('an item left open is found once its turn has ended, by whoever has it, and after a repair', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const { item, thread, open } = await work(a.store);
  const index = async () => {
    await b.store.repair();
    return found(b.store);
  };
  expect(await found(a.store)).toEqual([item.id]);
  for (const one of [a, b]) await one.sync();
  expect(await index()).toEqual([item.id]);
  await a.store.repair();
  expect(await found(a.store)).toEqual([item.id]);
  await b.store.runtime.deleteThread(thread.id);
  expect(await found(b.store)).toEqual([]);

  await a.store.runtime.saveTurnWithItems(open.threadId, {
    turn: { id: open.id, status: 'failed' },
    items: [],
  });
  expect(await found(a.store)).toHaveLength(2);
  for (const one of [b, a, b]) await one.sync();
  expect(await found(a.store)).toHaveLength(1);
  // Noted as it came; what notes are worked off by is the worker's business, or a repair's.
  expect((await b.store.search('xylophone')).pending).toBe(1);
  expect(await index()).toHaveLength(1);
});

it('the same is found after an export and import, and in a copied thread', async () => {
  const store = await tempStore();
  const { item, thread } = await work(store);
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const other = await tempStore();
  await other.import([out]);
  expect(await found(other)).toEqual([item.id]);
  await store.runtime.fork(thread.id);
  expect(await found(store)).toHaveLength(2);
});

it('nothing is missed of a thread that was purged', async () => {
  const store = await tempStore();
  const { thread } = await work(store);
  await store.purge(thread.id);
  expect(await found(store)).toEqual([]);
  await store.repair();
  expect(await found(store)).toEqual([]);
});

it('a later import that ends a turn makes its items found', async () => {
  const home = tempFolder();
  const at = '2026-02-20T10:00:00Z';
  const write = (kind: string, id: string, record: object) => {
    const file = join(home, `tasks/runtime/${kind}/${id}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ schema_version: 2, id, ...record }));
  };
  const turn = (status: string) => {
    const more = status === 'completed' ? { ended_at: '2026-02-20T10:05:00Z' } : {};
    const head = { thread_id: 'thr_1', status, input_summary: 'hi', created_at: at };
    write('turns', 'turn_1', { ...head, started_at: at, ...more, item_ids: ['item_1'] });
  };
  const rest = { archived: false, allow_shell: false, trust_mode: false, auto_approve: false };
  const times = { created_at: at, updated_at: at, latest_turn_id: 'turn_1' };
  write('threads', 'thr_1', { ...times, model: 'm', workspace: '/w', mode: 'agent', ...rest });
  write('items', 'item_1', { turn_id: 'turn_1', ...CALL, summary: 'xylophone', started_at: at });
  turn('in_progress');
  const store = await tempStore();
  expect((await store.import([home])).problems).toEqual([]);
  expect(await found(store)).toEqual([]);
  turn('completed');
  await store.import([home]);
  expect(await found(store)).toEqual(['item_1']);
});

it('the check misses an item that is not noted, and a rebuilt store finds what is open', async () => {
  const path = join(tempFolder(), 'store.db');
  const store = await openStore({ path });
  const { item } = await work(store);
  const driver = new Driver(path);
  driver.exec(`delete from search_index where rowid in (select number from search_docs);
    delete from search_docs where kind = 'item'`);
  driver.close();
  const failed = (await store.check()).checks.filter(({ ok }) => !ok);
  expect(failed.map(({ detail }) => detail)).toEqual([
    '1 thread items are not in the index; run doctor --repair',
  ]);
  await store.close();
  await rebuildStore(path);
  const again = await openStore({ path });
  expect(await found(again)).toEqual([item.id]);
  await again.close();
});
