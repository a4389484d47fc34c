import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareHomes } from '../support/compare-homes.ts';
import { compareStores } from '../support/compare-stores.ts';
import { exportFrom, filesBelow, importInto } from '../support/export-tools.ts';
import { legacyHome, SMALL_HOME } from '../support/legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';

describe('exportStore, legacy', () => {
  it.each([
    ['seed 3 with faults', ['--seed', '3', '--faults']],
    ['seed 60411', ['--seed', '60411', ...SMALL_HOME]],
    ['state.db of version 1', ['--seed', '5', '--state-version', '1', ...SMALL_HOME]],
    ['many sessions, with branches', ['--seed', '7', ...SMALL_HOME, '--sessions', '40']],
  ])('gives the imported home back, which imports to an equal store: %s', async (_, options) => {
    const { home, manifest } = legacyHome(...options);
    const folder = tempFolder();
    const [first, second, dir] = [join(folder, 'a.db'), join(folder, 'b.db'), join(folder, 'home')];
    await importInto(first, home);
    const report = await exportFrom(first, dir);

    expect(compareHomes(home, dir, manifest)).toEqual([]);
    expect(report).toMatchObject({ format: 'legacy', dir, skipped: [] });
    expect(report.files).toBe(filesBelow(dir).length);
    for (const [kind, { importable, orphaned }] of Object.entries(manifest.kinds)) {
      expect([kind, report.byKind[kind] ?? 0]).toEqual([kind, importable + orphaned]);
    }
    const again = await importInto(second, dir);
    expect(again.totals.failed).toBe(0);
    expect(compareStores(first, second)).toEqual([]);
  });

  it('writes the same bytes for the same store, private to their owner', async () => {
    const { home } = legacyHome('--seed', '3', ...SMALL_HOME);
    const folder = tempFolder();
    const store = join(folder, 'a.db');
    await importInto(store, home);
    await exportFrom(store, join(folder, 'one'));
    await exportFrom(store, join(folder, 'two'));
    const files = filesBelow(join(folder, 'one'));
    expect(filesBelow(join(folder, 'two'))).toEqual(files);
    expect(files.filter((file) => file.mode !== 0o600)).toEqual([]);
  });

  it('takes the records of two homes, whose short ids may clash', async () => {
    const folder = tempFolder();
    const one = legacyHome('--seed', '3', '--sessions', '5', '--events', '80', '--tasks', '5');
    const two = legacyHome('--seed', '4', '--sessions', '5', '--events', '80', '--tasks', '5');
    const { a, b } = clash(one.home, two.home);
    const [first, second, dir] = [join(folder, 'a.db'), join(folder, 'b.db'), join(folder, 'home')];
    await importInto(first, one.home, two.home);
    const report = await exportFrom(first, dir);
    expect(report.byKind['threads']).toBe(12);
    expect(new Set(report.skipped.map(({ reason }) => reason))).toEqual(
      new Set(['duplicate', 'later_format']),
    );

    const again = await importInto(second, dir);
    expect(again.totals).toMatchObject({ failed: 0, orphaned: 0 });
    expect(again.byKind['threads']?.imported).toBe(12);
    expect(again.byKind['turns']?.imported).toBe(report.byKind['turns']);
    expect(again.byKind['items']?.imported).toBe(report.byKind['items']);
    expect(again.byKind['events']?.imported).toBe(report.byKind['events']);
    expect(a).not.toBe(b);
  });
});

/** Gives a thread of the second home the id that one of the first has, in all that names it. */
function clash(one: string, two: string): { a: string; b: string } {
  const threads = (home: string) =>
    readdirSync(join(home, 'tasks/runtime/threads')).map((name) => name.replace('.json', ''));
  const [a = '', b = ''] = [threads(one)[0], threads(two)[0]];
  for (const entry of readdirSync(join(two, 'tasks'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(b, a));
    if (entry.name.startsWith(b))
      renameSync(file, join(entry.parentPath, entry.name.replace(b, a)));
  }
  return { a, b };
}
