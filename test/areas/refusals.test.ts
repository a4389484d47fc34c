import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { restoreStore } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';
import { allRefused } from '../support/all-refused.ts';

describe('a cursor', () => {
  it('is of one list: of another one, or of other options, it is refused', async () => {
    const store = await tempStore();
    for (let i = 0; i < 3; i++) {
      await store.sessions.create({ workspace: '/w' });
      await store.tasks.create({ prompt: 'p' });
      await store.runtime.createThread({ workspace: '/w' });
    }
    const first = { limit: 1 };
    const [{ nextCursor: ofSessions }, { nextCursor: ofTasks }, { nextCursor: ofWorkspace }] =
      await Promise.all([
        store.sessions.list(first),
        store.tasks.list({ ...first, status: ['queued'] }),
        store.sessions.list({ ...first, workspace: '/w' }),
      ]);
    await allRefused(
      [
        store.tasks.list({ cursor: ofSessions }),
        store.runtime.listThreads({ cursor: ofSessions }),
        store.sessions.list({ cursor: ofTasks }),
        store.sessions.list({ cursor: ofSessions, archived: 'include' }),
        store.sessions.list({ cursor: ofSessions, workspace: '/w' }),
        store.sessions.list({ cursor: ofWorkspace, workspace: '/v' }),
        store.tasks.list({ cursor: ofTasks }),
      ],
      'INVALID_INPUT',
    );
    // An age is another time for every page.
    for (const since of ['2020-01-01T00:00:00Z', '2020-01-01T00:00:01Z']) {
      const going = { cursor: ofSessions, since };
      expect((await store.sessions.list(going)).items).toHaveLength(2);
    }
    const going = { cursor: ofWorkspace, workspace: '/w' };
    expect((await store.sessions.list(going)).items).toHaveLength(2);
  });
});

describe('a cursor of messages', () => {
  it('is of one session and branch', async () => {
    const store = await tempStore();
    const say = (content: string) => ({ role: 'user', content });
    const [a, b] = [
      await store.sessions.create({ workspace: '/w' }),
      await store.sessions.create({ workspace: '/w' }),
    ];
    const [, , end = ''] = await store.sessions.appendMessages(a.id, ['1', '2', '3'].map(say));
    const [other = ''] = await store.sessions.appendMessages(a.id, [say('x')], { parent: null });
    await store.sessions.appendMessages(b.id, [say('1')]);
    const { nextCursor: cursor } = await store.sessions.messages(a.id, { limit: 1, leaf: end });
    expect(cursor).not.toBeNull();
    await allRefused(
      [
        store.sessions.messages(a.id, { leaf: other, cursor }),
        store.sessions.messages(b.id, { cursor }),
        store.sessions.messages(a.id, { cursor: 'none' }),
      ],
      'INVALID_INPUT',
    );
    for (const going of [{ cursor }, { cursor, leaf: end }]) {
      expect((await store.sessions.messages(a.id, going)).items).toHaveLength(2);
    }
  });

  it('is of one thread and branch', async () => {
    const store = await tempStore();
    const message = { role: 'user', content: '1' };
    for (const id of ['t1', 't2']) {
      await store.threads.upsert({ id, cwd: '/w' });
      for (let i = 0; i < 3; i++) await store.threads.appendMessage(id, message);
    }
    const page = await store.threads.messages('t1', { limit: 1 });
    const [end = ''] = page.items.map(({ id }) => id);
    await store.threads.setLeaf('t1', null);
    const other = (await store.threads.appendMessage('t1', message)).id;
    const cursor = page.nextCursor;
    await allRefused(
      [
        store.threads.messages('t2', { cursor }),
        store.threads.messages('t1', { leaf: other, cursor }),
      ],
      'INVALID_INPUT',
    );
    for (const going of [{ cursor }, { cursor, leaf: end }]) {
      expect((await store.threads.messages('t1', going)).items).toHaveLength(2);
    }
  });
});

describe('a store', () => {
  it('that is closed says so, whatever is asked', async () => {
    const store = await tempStore();
    await store.close();
    await allRefused([store.check(), store.import([]), store.import(), store.stats()], 'CLOSED');
  });

  it('refuses a path that cannot be with an error of its own', async () => {
    const store = await tempStore();
    const backup = join(tempFolder(), 'backup.db');
    await store.backup(backup);
    for (const path of ['/etc/passwd/x', join(tempFolder(), 'x'.repeat(5000))]) {
      await expect(store.import([path])).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
      await expect(store.backup(path)).rejects.toMatchObject({ code: 'FILE_SYSTEM' });
      await expect(restoreStore(backup, path)).rejects.toMatchObject({ code: 'STORE_PATH' });
    }
  });

  it('makes no session under a name that the old program does not take', async () => {
    const store = await tempStore();
    for (const id of ['session_boot_owners', 'latest', 'offline_queue']) {
      const making = store.sessions.create({ id, workspace: '/w' });
      await expect(making).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('has no events of a thread that was purged, as it has no thread', async () => {
    const store = await tempStore();
    const { id } = await store.runtime.createThread({ workspace: '/w' });
    await store.events.append(id, [{ type: 'note', payload: {} }]);
    await store.purge(id);
    await allRefused([store.events.since(id, 0), store.events.tail(id, 1)], 'NOT_FOUND');
  });

  it('has no turns of a thread that was purged, and forks none', async () => {
    const store = await tempStore();
    const { id } = await store.runtime.createThread({ workspace: '/w' });
    const turn = await store.runtime.startTurn(id, { userItem: { summary: 's' } });
    const [item] = (await store.runtime.listItems(turn.id)).items;
    await store.purge(id);
    await allRefused(
      [
        store.runtime.listTurns(id),
        store.runtime.getTurn(turn.id),
        store.runtime.listItems(turn.id),
        store.runtime.getItem(item?.id ?? ''),
        store.runtime.fork(id),
      ],
      'NOT_FOUND',
    );
  });

  it('lets no worker go on with a task that was purged, and is sound then', async () => {
    const clock = { now: Date.parse('2026-08-18T08:30:00Z') };
    const store = await tempStore({ clock: () => clock.now });
    const { id } = await store.tasks.create({ prompt: 'p' });
    const worker = { owner: 'w', leaseMs: 1000 };
    await store.tasks.claim(worker);
    await store.purge(id);
    await expect(store.tasks.heartbeat({ id, ...worker })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    clock.now += 2000;
    const { checks } = await store.check();
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
