import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { restoreStore } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** Together: one that is refused while another is still waited for counts as handled. */
async function allRefused(calls: readonly Promise<unknown>[], code: string): Promise<void> {
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject({ code })));
}

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
});
