import { describe, expect, it } from 'vitest';
import type { FileEntry, SourceFile } from '../../src/legacy/home-entry.ts';
import { homeOf, readAll, reasons, thread, type Reading } from './legacy-home.ts';
import { legacyHome, SMALL_HOME, type Manifest } from '../support/legacy-home.ts';

/** Kinds that the manifest does not count. */
const UNCOUNTED = new Set(['runtime_owner', 'work_graph_archive']);

function countsOf({ records, problems }: Reading): Record<string, object> {
  const counts: Record<
    string,
    { importable: number; orphaned: number; rejected: number; ignored: number }
  > = {};
  const of = (kind: string) =>
    (counts[kind] ??= { importable: 0, orphaned: 0, rejected: 0, ignored: 0 });
  for (const { kind, orphan } of records) {
    if (UNCOUNTED.has(kind)) continue;
    of(kind)[orphan === undefined ? 'importable' : 'orphaned']++;
  }
  for (const problem of problems) {
    if (problem.class === 'reject') of(problem.kind).rejected++;
    if (problem.class === 'ignore') of(problem.kind).ignored++;
  }
  return counts;
}

function expectedCounts({ kinds }: Manifest): Record<string, object> {
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, { importable, orphaned, rejected, ignored }]) => [
      kind,
      { importable, orphaned, rejected, ignored },
    ]),
  );
}

function expectedReasons({ faults }: Manifest): string[] {
  return faults
    .filter((fault) => fault.class !== 'anomaly')
    .flatMap(({ kind, class: name, reason, count = 1 }) =>
      Array.from({ length: count }, () => `${kind} ${name} ${reason}`),
    )
    .sort();
}

describe('readHome', () => {
  it.each([
    ['--seed', '2', '--sessions', '45'],
    ['--seed', '3', '--faults'],
    ['--seed', '4', '--faults', '--tasks', '80', '--automations', '9'],
    ['--seed', '5', '--faults', '--sessions', '0', '--threads', '0', '--tasks', '0'],
  ])('counts what the manifest counts, with %s %s %s %s %s', async (...options) => {
    const { home: dir, manifest } = legacyHome(...options);
    const reading = await readAll(dir);
    expect(countsOf(reading)).toEqual(expectedCounts(manifest));
    expect(reasons(reading)).toEqual(expectedReasons(manifest));
  });

  it('gives records whose text and value agree, and file entries that add up', async () => {
    const { home: dir } = legacyHome('--seed', '11', '--faults', ...SMALL_HOME);
    const { records, files, problems, all } = await readAll(dir);
    for (const record of records) expect(JSON.parse(record.raw)).toEqual(record.value);
    const sum = (pick: (file: FileEntry) => number) =>
      files.reduce((total, file) => total + pick(file), 0);
    const orphans = records.filter((record) => record.orphan !== undefined);
    expect(sum((file) => file.records)).toBe(records.length - orphans.length);
    expect(sum((file) => file.orphaned)).toBe(orphans.length);
    expect(problems.filter((p) => p.class === 'orphan')).toHaveLength(orphans.length);
    // Links are refused before they are files.
    const refused = problems.filter((p) => p.class === 'reject' && p.reason !== 'symlink');
    expect(sum((file) => file.failed)).toBe(refused.length);
    expect(structuredClone(all)).toEqual(all);
  });

  it('names artifacts with their owner, size and hash', async () => {
    const { home: dir, manifest } = legacyHome('--seed', '12', '--sessions', '30', '--tasks', '80');
    const { artifacts } = await readAll(dir);
    const ofSessions = artifacts.filter((artifact) => artifact.owner === 'session');
    expect(ofSessions).toHaveLength(manifest.checks['session_artifact_files'] as number);
    expect(artifacts.length).toBeGreaterThan(ofSessions.length);
    for (const { path, ownerId, size, sha256 } of artifacts) {
      expect(path).toContain(`/${ownerId}/`);
      expect(size).toBeGreaterThan(0);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('reads a file that did not change only to hash it', async () => {
    const { home: dir } = legacyHome('--seed', '13', '--faults', ...SMALL_HOME);
    const first = await readAll(dir);
    const marks = new Map(
      first.files
        .filter((entry) => entry.failed + entry.orphaned === 0)
        .map(({ file, ids, records, ignored }) => [
          file.path,
          { sha256: file.sha256, ids, records, ignored },
        ]),
    );
    const mark = ({ path, sha256 }: SourceFile) => {
      const known = marks.get(path);
      return known?.sha256 === sha256 ? known : undefined;
    };
    const second = await readAll(dir, { mark });
    const unchanged = second.files.filter((entry) => entry.outcome === 'unchanged');
    expect(unchanged.map((entry) => entry.file.path).sort()).toEqual([...marks.keys()].sort());
    const total = (files: FileEntry[]) => files.reduce((sum, entry) => sum + entry.records, 0);
    expect(total(second.files)).toBe(total(first.files));
    // What was refused or had no parent is still so, in the same words.
    const serious = (reading: Reading) =>
      reading.problems.filter((p) => p.class === 'reject' || p.class === 'orphan');
    expect(serious(second)).toEqual(serious(first));
  });

  it('asks the store before it calls a record an orphan', async () => {
    const { home: dir } = legacyHome('--seed', '14', '--faults', ...SMALL_HOME);
    const asked = new Set<string>();
    const known = (kind: string) => {
      asked.add(kind);
      return true;
    };
    const { records } = await readAll(dir, { known });
    expect(records.filter((record) => record.orphan !== undefined)).toEqual([]);
    expect([...asked].sort()).toEqual(
      expect.arrayContaining(['automations', 'state.threads', 'threads', 'turns']),
    );
  });

  it('reads homes at the same time, each from its own files', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `thr_${String(i).padStart(8, '0')}`);
    const homes = Array.from({ length: 8 }, (_, home) => ({
      home,
      dir: homeOf(
        Object.fromEntries(
          ids.map((id) => [
            `tasks/runtime/threads/${id}.json`,
            JSON.stringify(thread({ id, title: `of home ${home}` })),
          ]),
        ),
      ),
    }));
    const titles = await Promise.all(
      homes.map(async ({ home, dir }) => {
        // A few steps after the one before: some read while another has not parsed yet.
        for (let i = 0; i < home; i++) await Promise.resolve();
        return (await readAll(dir)).records.map(({ value }) => (value as { title: string }).title);
      }),
    );
    for (const { home } of homes) expect(titles[home]).toEqual(ids.map(() => `of home ${home}`));
  });
});
