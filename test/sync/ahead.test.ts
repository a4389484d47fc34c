import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HubUnreachableError } from '../../src/errors.ts';
import type { Hub, HubStatement } from '../../src/sync/hub/hub.ts';
import { pullOnce } from '../../src/sync/pull-once.ts';
import { digestStore } from '../../src/sync/verify.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';

const EVENTS = 5000;

/** A hub that tells of every request before its answer goes out, when other work had its turn. */
function watchedHub(onRequest: (statements: readonly HubStatement[]) => Promise<void>): Hub {
  const folder = mkdtempSync(join(tmpdir(), 'cws-ahead-'));
  const hub = new FileHub({ path: join(folder, 'hub.db') });
  onTestFinished(() => {
    hub.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    async run(statements, mode) {
      const rows = await hub.run(statements, mode);
      for (let i = 0; i < 5; i++) await setImmediate();
      await onRequest(statements);
      return rows;
    },
    close: () => {
      hub.close();
    },
  };
}

const upsertOf = (statements: readonly HubStatement[]) =>
  statements.find(({ sql }) => sql.startsWith('insert into hub_entries'));

const cursorOf = (statements: readonly HubStatement[]) =>
  statements.find(({ sql }) => sql.includes('json_group_array'))?.params[0];

async function addEvents({ store }: SyncDevice): Promise<void> {
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm' });
  for (let i = 0; i < EVENTS; i += 1000) {
    const events = Array.from({ length: 1000 }, (_, n) => ({
      type: 'note',
      payload: { n: i + n },
    }));
    await store.events.append(thread.id, events);
  }
}

describe('a push that reads the next batch while one is on its way', () => {
  test('sends every row once, and what changes meanwhile in its last state', async () => {
    const sent: string[] = [];
    let edits = 0;
    let edit = () => Promise.resolve();
    const hub = watchedHub(async (statements) => {
      const upsert = upsertOf(statements);
      if (!upsert) return;
      const rows = JSON.parse(String(upsert.params[1])) as string[][];
      sent.push(...rows.map(([table, id, register]) => `${table} ${id} ${register}`));
      await edit();
    });
    const a = await syncDevice('a', hub);
    const b = await syncDevice('b', hub);
    const ids: string[] = [];
    for (let i = 0; i < 100; i++) {
      const input = { title: `title ${i}`, workspace: '/w', model: 'm' };
      ids.push((await a.store.sessions.create(input)).id);
    }
    await addEvents(a);
    edit = async () => {
      // One that went already, one that is on its way or read ahead, one that comes later.
      for (const id of [ids[0], ids[50], ids[99]]) {
        await a.store.sessions.rename(String(id), `edit ${edits++}`);
      }
    };
    await a.sync();
    edit = () => Promise.resolve();
    await a.sync();
    await b.sync();

    const events = sent.filter((key) => key.startsWith('runtime_events'));
    expect(events).toHaveLength(EVENTS);
    expect(new Set(events).size).toBe(EVENTS);
    expect(edits).toBeGreaterThan(6);
    expect(await digestStore(b.database)).toEqual(await digestStore(a.database));
    expect((await b.store.sessions.get(String(ids[99]))).title).toBe(`edit ${edits - 1}`);
    const noted = (reader: { number(sql: string): number }) =>
      reader.number('select count(*) from outbox');
    expect(await a.database.read(noted)).toBe(0);
  });
});

describe('a pull that asks for the next page while one is applied', () => {
  const filled = async (onPage: (cursor: number) => void) => {
    const hub = watchedHub((statements) => {
      const cursor = cursorOf(statements);
      if (typeof cursor === 'number') onPage(cursor);
      return Promise.resolve();
    });
    const a = await syncDevice('a', hub);
    await addEvents(a);
    await a.sync();
    return { a, b: await syncDevice('b', hub) };
  };

  test('asks for every page once', async () => {
    const cursors: number[] = [];
    const { a, b } = await filled((cursor) => cursors.push(cursor));
    cursors.length = 0;
    await b.sync();
    // The first is asked twice: once to find out what hub this is.
    const later = cursors.filter((cursor) => cursor > 0);
    expect(later.length).toBeGreaterThan(1);
    expect(new Set(later).size).toBe(later.length);
    expect(await digestStore(b.database)).toEqual(await digestStore(a.database));
  });

  test('asks again for a page that failed', async () => {
    let failing = 0;
    const { a, b } = await filled((cursor) => {
      if (failing > 0 && cursor > 0) {
        failing--;
        throw new HubUnreachableError('lost');
      }
    });
    failing = 1;
    await b.sync();
    expect(failing).toBe(0);
    expect(await digestStore(b.database)).toEqual(await digestStore(a.database));
  });

  test('takes it only where all still holds that it was asked with', async () => {
    const cursors: number[] = [];
    const { a, b } = await filled((cursor) => cursors.push(cursor));
    expect((await pullOnce(b.exchange)).outcome).not.toBe('done');
    while ((await pullOnce(b.exchange)).outcome !== 'more');
    await b.exchange.memory.ahead?.answer;
    await b.database.write({ now: Date.now }, (transaction) => {
      transaction.run('update sync_state set cursor = 7');
    });
    cursors.length = 0;
    await pullOnce(b.exchange);
    expect(cursors[0]).toBe(7);
    await b.sync();
    expect(await digestStore(b.database)).toEqual(await digestStore(a.database));
  });
});
