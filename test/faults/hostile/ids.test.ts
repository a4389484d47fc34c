import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEverything } from '../../fuzz/read-everything.ts';
import { FileHub } from '../../support/file-hub.ts';
import { syncDevice } from '../../support/sync-device.ts';
import { tempFolder } from '../../support/temp-store.ts';

// Row 32 of the fault matrix, for ids that come from the hub; those of homes are in test/legacy and
// test/fuzz, those of arguments in test/fuzz.
const VERSION = '00000000000000ff-01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000';
const LIFECYCLE = `0000010-${VERSION}`;
const DEVICE = '01AAAAAAAAAAAAAAAAAAAAAAAA';
const IDS = [
  '../../escape',
  '..',
  '/etc/cron.d/x',
  'C:\\x',
  "x'; drop table sessions; --",
  '__proto__',
  'constructor',
  'SAME',
  'same',
  'ſame',
];

it('ids from the hub are values and names of files inside the export, whatever is in them', async () => {
  const folder = join(tempFolder(), 'a', 'b', 'c', 'd');
  mkdirSync(folder, { recursive: true });
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  await a.store.tasks.create({ id: 'good', prompt: 'good', workspace: '/w' });
  await a.sync();
  const put = async (table: string, id: string, register: string, version: string, c: object) => {
    const payload = JSON.stringify({ i: id, c, d: DEVICE, t: '{}' });
    const bytes = Buffer.concat([Buffer.of(0), Buffer.from(payload)]);
    const insert = `insert into hub_entries
      select max(m.head, (select max(seq) from hub_entries)) + 1, ?1, ?2, ?3, ?4, 0, 1, ?5 from hub_meta m`;
    const raise = 'update hub_meta set head = (select max(seq) from hub_entries)';
    const params = [table, id, register, version, bytes];
    await hub.run(
      [
        { sql: insert, params },
        { sql: raise, params: [] },
      ],
      'write',
    );
  };
  for (const id of IDS) {
    await put('sessions', id, 'details', VERSION, { workspace: id, created_at: 1 });
    await put('tasks', id, 'details', VERSION, { workspace: id, model: 'm', created_at: 1 });
    await put('tasks', id, 'lifecycle', LIFECYCLE, { status: 'completed', attempt: 1 });
    await put('runtime_threads', id, 'details', VERSION, {
      workspace: id,
      model: '',
      mode: '',
      created_at: 1,
    });
    const kept = { kind: 'agent_mail', path: id, position: 0, state: 'kept', modified_at: 1 };
    await put('legacy_records', id, 'content', VERSION, kept);
  }
  await hub.run(
    [{ sql: `insert into hub_commits select head, 'ids' from hub_meta`, params: [] }],
    'write',
  );
  const b = await syncDevice('b', hub);
  await b.sync();
  const { items } = await b.store.sessions.list();
  expect(items.map(({ id }) => id).sort()).toEqual([...IDS].sort());
  expect((await readEverything(b.store)).ids).toContain('good');
  for (const format of ['legacy', 'jsonl', 'markdown'] as const) {
    await b.store.export(join(folder, format), { format });
  }
  expect(readdirSync(folder).sort()).toEqual(['jsonl', 'legacy', 'markdown']);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(names.filter((name) => name.split('/').includes('..'))).toEqual([]);
  const lower = names.map((name) => name.toLowerCase());
  expect(new Set(lower).size, 'names that are one where case does not count').toBe(lower.length);
  // Each folder above holds the next one and nothing more.
  expect(readdirSync(join(folder, '..'))).toEqual(['d']);
  expect(readdirSync(join(folder, '../..'))).toEqual(['c']);
  expect(({} as Record<string, unknown>)['workspace']).toBeUndefined();
});
