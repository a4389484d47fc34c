import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImportReport, Store } from '../../src/index.ts';
import {
  addEvent,
  clashingHome,
  item,
  put,
  RUNTIME,
  task,
  thread,
  turn,
} from '../support/clashing-homes.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** What hangs on each thread: its workspace tells whose it is. */
async function linksOf(store: Store) {
  const { items: threads } = await store.runtime.listThreads({ archived: 'include' });
  const found: Record<string, object> = {};
  for (const { id, workspace, latestTurnId, taskId } of threads) {
    const turns = (await store.runtime.listTurns(id)).items;
    const items = await Promise.all(turns.map((one) => store.runtime.listItems(one.id)));
    const events = (await store.events.tail(id, 100)).items;
    const latest = turns.find((one) => one.id === latestTurnId);
    const owner = taskId === null ? undefined : await store.tasks.get(taskId);
    found[workspace] = {
      turns: turns.map((one) => one.inputSummary),
      latest: latest?.inputSummary,
      items: items.flatMap((page) => page.items.map((one) => one.summary)),
      events: events.map((one) => one.payload),
      eventsOfOwnTurn: events.every((one) => one.turnId === latest?.id),
      task: owner?.prompt,
      taskOfThread: owner?.threadId === id,
      taskOfTurn: owner?.details['turn_id'] === latest?.id,
    };
  }
  return found;
}

const linked = (name: string, changes: object = {}) => ({
  turns: [name],
  latest: name,
  items: [name],
  events: [`first of ${name}`],
  eventsOfOwnTurn: true,
  task: `prompt ${name}`,
  taskOfThread: true,
  taskOfTurn: true,
  ...changes,
});

const BOTH = { '/wC': linked('C'), '/wD': linked('D') };

describe('two homes whose records bear the same short ids', () => {
  it('keep each record with its own, whichever came first', async () => {
    for (const order of [0, 1]) {
      const homes = [clashingHome('C', 1), clashingHome('D', 2)];
      const store = await tempStore();
      const report = await store.import(order === 0 ? homes : homes.toReversed());
      expect(report.byKind['tasks']).toMatchObject({ found: 2, imported: 2 });
      expect(await linksOf(store)).toEqual(BOTH);
      const again = await store.import(homes);
      expect(again.totals).toMatchObject({ imported: 0, updated: 0, failed: 0 });
      expect(await linksOf(store)).toEqual(BOTH);
      expect((await store.check()).ok).toBe(true);
    }
  });

  it('get what grew since, each its own', async () => {
    const [c, d] = [clashingHome('C', 1), clashingHome('D', 2)];
    const store = await tempStore();
    await store.import([c, d]);
    addEvent(d, 2, 'second of D');
    put(d, `${RUNTIME}/items/item_bbbbbbbb.json`, item('D2', { id: 'item_bbbbbbbb' }));
    await store.import([c, d]);
    const grown = { items: ['D', 'D2'], events: ['first of D', 'second of D'] };
    expect(await linksOf(store)).toEqual({ ...BOTH, '/wD': linked('D', grown) });

    const ended = { ended_at: '2026-02-20T10:00:09Z', error: 'of D' };
    put(d, `${RUNTIME}/threads/thr_aaaaaaaa.json`, {
      ...thread('D', 2, { updated_at: '2026-02-20T10:00:09Z', title: 'of D' }),
    });
    put(d, `${RUNTIME}/turns/turn_aaaaaaaa.json`, turn('D', 2, { status: 'failed', ...ended }));
    put(d, 'tasks/tasks/task_aaaaaaaa.json', task('D', 2, { status: 'failed', ...ended }));
    const report = await store.import([d]);
    expect(report.totals).toMatchObject({ imported: 0, updated: 3 });
    expect(await linksOf(store)).toEqual({ ...BOTH, '/wD': linked('D', grown) });
    const tasks = (await store.tasks.list()).items;
    expect(tasks.map((one) => [one.prompt, one.error]).sort()).toEqual([
      ['prompt C', null],
      ['prompt D', 'of D'],
    ]);
  });

  it('are known again by a store that forgot what it read', async () => {
    const [c, d] = [clashingHome('C', 1), clashingHome('D', 2)];
    const store = await tempStore();
    await store.import([c, d]);
    const before = (await store.sync.verify()).tables;
    const Driver = (await import('libsql')).default;
    new Driver(store.path).exec('delete from import_sources');
    const again = await store.import([c, d]);
    expect(changedKinds(again)).toEqual({});
    expect((await store.sync.verify()).tables).toEqual(before);
  });

  it('come out of an export with their links, and in again', async () => {
    const store = await tempStore();
    await store.import([clashingHome('C', 1), clashingHome('D', 2)]);
    const out = join(tempFolder(), 'out');
    await store.export(out, { format: 'legacy' });
    const copy = await tempStore();
    const report = await copy.import([out]);
    // The counter of events is one that the export made.
    expect(report.totals).toMatchObject({ failed: 0, orphaned: 0, unchanged: 1 });
    expect(report.problems).toEqual([]);
    expect(await linksOf(copy)).toEqual(BOTH);
    for (const { id, details } of await detailsOf(copy)) {
      expect(existsSync(join(out, 'tasks', String(details['result_detail_path']))), id).toBe(true);
    }
    expect(await queueOf(copy)).toEqual(await queueOf(store));
  });

  it('keep the artifacts of their tasks apart', async () => {
    const store = await tempStore();
    await store.import([clashingHome('C', 1), clashingHome('D', 2)]);
    const out = join(tempFolder(), 'out');
    await store.export(out, { format: 'legacy' });
    for (const { prompt, details } of await detailsOf(await copyFrom(out))) {
      const text = readFileSync(join(out, 'tasks', String(details['result_detail_path'])), 'utf8');
      expect(text).toBe(prompt.replace('prompt', 'output of'));
    }
  });

  it('tell two tasks of one moment apart by what they ask, and an edit is no other task', async () => {
    const [c, d] = [clashingHome('C', 1), clashingHome('D', 2)];
    put(d, 'tasks/tasks/task_aaaaaaaa.json', task('D', 1));
    const store = await tempStore();
    await store.import([c, d]);
    expect(await linksOf(store)).toEqual(BOTH);
    for (const { id } of (await store.tasks.list()).items) {
      await store.tasks.update(id, { prompt: 'edited' });
    }
    const Driver = (await import('libsql')).default;
    new Driver(store.path).exec('delete from import_sources');
    const again = await store.import([c, d]);
    expect(changedKinds(again)).toEqual({});
    expect((await store.tasks.list()).items.map((one) => one.prompt)).toEqual(['edited', 'edited']);
  });

  it('stay away when one of them was purged, and only that', async () => {
    for (const purged of ['/wC', '/wD']) {
      const [c, d] = [clashingHome('C', 1), clashingHome('D', 2)];
      const store = await tempStore();
      await store.import([c, d]);
      const { items } = await store.runtime.listThreads();
      const id = items.find((one) => one.workspace === purged)?.id ?? '';
      await store.purge(id);
      for (const home of [c, d]) {
        addEvent(home, 2, 'later');
        const [name, second] = home === c ? (['C', 1] as const) : (['D', 2] as const);
        put(home, `${RUNTIME}/threads/thr_aaaaaaaa.json`, thread(name, second, { title: 'later' }));
        put(home, `${RUNTIME}/turns/turn_bbbbbbbb.json`, turn('B', 3, { id: 'turn_bbbbbbbb' }));
        await store.import([home]);
      }
      const left = purged === '/wC' ? 'D' : 'C';
      const { items: threads } = await store.runtime.listThreads();
      expect(threads.map((one) => one.workspace)).toEqual([`/w${left}`]);
      expect((await store.runtime.listTurns(threads[0]?.id ?? '')).items).toHaveLength(2);
    }
  });
});

/** What is asked of the tasks that would run, in their order. */
async function queueOf(store: Store): Promise<string[]> {
  const Driver = (await import('libsql')).default;
  const sql = `select prompt from tasks where status = 'queued' order by queued_at, id`;
  return (new Driver(store.path).prepare(sql).raw().all() as string[][]).flat();
}

/** What came in or changed, by kind. */
function changedKinds({ byKind }: ImportReport): Record<string, number> {
  const counts = Object.entries(byKind).map(
    ([kind, { imported, updated }]) => [kind, imported + updated] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

async function copyFrom(home: string): Promise<Store> {
  const store = await tempStore();
  await store.import([home]);
  return store;
}

async function detailsOf(store: Store) {
  const { items } = await store.tasks.list();
  return Promise.all(items.map((one) => store.tasks.get(one.id)));
}

it('an item that its turn lists twice stands where it is listed first', async () => {
  const home = clashingHome('C', 1);
  const ids = ['item_00000003', 'item_00000001', 'item_gone', 'item_00000003'];
  put(home, `${RUNTIME}/turns/turn_aaaaaaaa.json`, turn('C', 1, { item_ids: ids }));
  for (const id of new Set(ids.filter((one) => one !== 'item_gone'))) {
    put(home, `${RUNTIME}/items/${id}.json`, item(id, { id }));
  }
  const store = await tempStore();
  await store.import([home]);
  const { items } = await store.runtime.listItems('turn_aaaaaaaa');
  expect(items.map((one) => one.id).slice(0, 2)).toEqual(['item_00000003', 'item_00000001']);
});

it('the counter of events stays one of 64 bits', async () => {
  const home = clashingHome('C', 1);
  addEvent(home, '18446744073709551615', 'last');
  const store = await tempStore();
  await store.import([home]);
  await store.events.append('thr_aaaaaaaa', [{ type: 'mine' }]);
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const text = readFileSync(join(out, RUNTIME, 'state.json'), 'utf8');
  expect(/"next_seq": (\d+)/.exec(text)?.[1]).toBe('18446744073709551615');
  const copy = await tempStore();
  const report = await copy.import([out]);
  expect(report.byKind['events']).toMatchObject({ imported: 3, failed: 0 });
});
