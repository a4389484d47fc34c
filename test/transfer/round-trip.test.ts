import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clashingHome } from '../support/clashing-homes.ts';
import { exportFrom, filesBelow, importInto, workIn } from '../support/export-tools.ts';
import { legacyHome, SMALL_HOME } from '../support/legacy-home.ts';
import { makeNativeRows } from '../support/native-rows.ts';
import { SEED } from '../support/seed.ts';
import { rowsOf } from '../support/store-rows.ts';
import { tempFolder } from '../support/temp-store.ts';

/** What of `after` is not in `before`, and the other way round. */
function differences(before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((row) => !now.has(row)).map((row) => `- ${row}`),
    ...after.filter((row) => !old.has(row)).map((row) => `+ ${row}`),
    ...(before.length === after.length ? [] : [`${before.length} rows against ${after.length}`]),
  ];
}

/** Exports a store to a new folder and imports that folder again; tells what changed. */
async function changesOf(path: string, into = path): Promise<string[]> {
  const dir = join(tempFolder(), 'home');
  const before = rowsOf(into);
  await exportFrom(path, dir);
  const { problems } = await importInto(into, dir);
  expect(problems.filter((one) => one.class === 'reject')).toEqual([]);
  return differences(before, rowsOf(into));
}

const FEW = ['--sessions', '2', '--audit', '4', '--tasks', '3', '--state-threads', '3'];

describe('an export, imported again', () => {
  const stores: [string, (path: string) => Promise<unknown>][] = [
    ['rows of the library', (path) => workIn(path, (store) => makeNativeRows(store, 'n'))],
    [
      'homes whose short ids clash',
      (path) => importInto(path, clashingHome('C', 1), clashingHome('D', 2)),
    ],
    [
      'two homes and rows of the library',
      async (path) => {
        const homes = [SEED + 10, SEED + 60].map(
          (each) => legacyHome('--seed', String(each), ...SMALL_HOME, ...FEW).home,
        );
        await importInto(path, ...homes, clashingHome('C', 1), clashingHome('D', 2));
        await workIn(path, (store) => makeNativeRows(store, '11'));
      },
    ],
  ];

  it.each(stores)('changes nothing in its store: %s', async (_, fill) => {
    const path = join(tempFolder(), 'a.db');
    await fill(path);
    for (let round = 0; round < 3; round++) expect(await changesOf(path)).toEqual([]);
  });

  it.each(stores)('gives another store the same, which gives it back: %s', async (_, fill) => {
    const folder = tempFolder();
    const [first, second] = [join(folder, 'a.db'), join(folder, 'b.db')];
    await fill(first);
    await importInto(second);
    await changesOf(first, second);
    expect(await changesOf(second)).toEqual([]);
    expect(await changesOf(second, first)).toEqual([]);
  });
});

describe('a record that claims to be a row', () => {
  it('is taken as another one where it says something else, and changes no row', async () => {
    const folder = tempFolder();
    const [path, dir] = [join(folder, 'a.db'), join(folder, 'home')];
    await workIn(path, async (store) => {
      const thread = await store.runtime.createThread({ workspace: '/w' });
      await store.events.append(thread.id, [{ type: 'note', payload: 'mine' }]);
      await store.audit.append({ event: 'e', details: 'mine' });
      const session = await store.sessions.create({ workspace: '/w' });
      const content = [{ type: 'text', text: 'mine' }];
      await store.sessions.appendMessages(session.id, [{ role: 'user', content }]);
      await store.threads.upsert({ id: 't1', cwd: '/w' });
    });
    await exportFrom(path, dir);
    for (const { path: file } of filesBelow(dir).filter((one) => !one.path.endsWith('.db'))) {
      const text = readFileSync(join(dir, file), 'utf8');
      writeFileSync(join(dir, file), text.replaceAll('"mine"', '"theirs"'));
    }
    const before = rowsOf(path);
    await importInto(path, dir);
    const changes = differences(before, rowsOf(path));
    expect(changes.filter((row) => /^- .*"mine/.test(row))).toEqual([]);
    for (const table of ['runtime_events', 'audit_log', 'session_messages']) {
      const added = changes.filter((row) => row.startsWith(`+ ${table} `));
      expect(added).toEqual([expect.stringContaining('theirs')]);
    }
  });

  it('is written beside another record that has its file name', async () => {
    const folder = tempFolder();
    const [path, dir] = [join(folder, 'a.db'), join(folder, 'home')];
    await workIn(path, async (store) => {
      await store.tasks.create({ id: 'task_1~0a1b2c3d', prompt: 'one' });
      await store.tasks.create({ id: 'task_1-0a1b2c3d', prompt: 'other' });
    });
    await exportFrom(path, dir);
    const names = filesBelow(dir).filter((one) => one.path.startsWith('tasks/tasks/'));
    expect(names).toHaveLength(2);
  });
});
