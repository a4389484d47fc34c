import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clashingHome } from '../support/clashing-homes.ts';
import { FileHub } from '../support/file-hub.ts';
import { legacyHome, SMALL_HOME } from '../support/legacy-home.ts';
import { makeNativeRows } from '../support/native-rows.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const PLAIN = ['session_messages', 'thread_messages', 'runtime_events', 'audit_log'] as const;

async function plainRows({ database }: SyncDevice): Promise<string[]> {
  return database.read((reader) =>
    PLAIN.flatMap((table) =>
      reader
        .rows(`select id, device, body from ${table} order by id`)
        .map((row) => JSON.stringify([table, ...row])),
    ),
  );
}

describe('an export of one device, imported on another', () => {
  it.each(['before', 'after'])(
    'is there once on both when that was %s they exchanged',
    async (when) => {
      const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
      const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
      await a.store.import([clashingHome('C', 1), clashingHome('D', 2)]);
      await makeNativeRows(a.store, 'n');
      const rows = await plainRows(a);
      const exchange = async () => {
        for (const device of [a, b, a, b]) await device.sync();
      };
      if (when === 'after') await exchange();
      const dir = join(tempFolder(), 'home');
      await a.store.export(dir, { format: 'legacy' });
      await b.store.import([dir]);
      await exchange();
      expect(await plainRows(a)).toEqual(rows);
      expect(await plainRows(b)).toEqual(rows);
      for (const table of ['runtime_threads', 'runtime_turns', 'tasks', 'sessions', 'goals']) {
        const count = ({ database }: SyncDevice) =>
          database.read((reader) => reader.number(`select count(*) from ${table}`));
        expect([table, await count(b)]).toEqual([table, await count(a)]);
      }
    },
  );

  it('brings no message twice that has no time and got one in the journal of an export', async () => {
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
    const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
    const { home } = legacyHome('--seed', '3', ...SMALL_HOME);
    await a.store.import([home]);
    const undated = await linearSession(a);
    const [first] = (await a.store.sessions.messages(undated)).items;
    await a.store.sessions.setCurrent(undated, String(first?.id));
    const dir = join(tempFolder(), 'home');
    await a.store.export(dir, { format: 'legacy' });
    await b.store.import([dir]);
    for (const device of [a, b, a, b]) await device.sync();
    const messages = ({ database }: SyncDevice) =>
      database.read((reader) =>
        reader.rows(
          'select id, created_at from session_messages where session_id = ? order by id',
          [undated],
        ),
      );
    expect((await messages(a)).some(([, at]) => at === null)).toBe(true);
    expect((await messages(a)).filter(([id]) => String(id).includes('~'))).toEqual([]);
    expect(await messages(b)).toEqual(await messages(a));
  });
});

/** A session of several messages of which the home told no time. */
async function linearSession({ database }: SyncDevice): Promise<string> {
  const sql = `select session_id from session_messages group by session_id
    having count(*) > 2 and count(created_at) = 0 limit 1`;
  return database.read((reader) => String(reader.rows(sql)[0]?.[0]));
}
