import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImportReport, SessionSummary, Store } from '../../src/index.ts';
import { legacyHome, makeHome, SMALL_HOME, type Manifest } from '../support/legacy-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** Kinds that the generator writes but does not count. */
const UNCOUNTED = new Set(['runtime_owner', 'work_graph_archive']);

function expectAgrees(report: ImportReport, manifest: Manifest): void {
  const expected = Object.fromEntries(
    Object.entries(manifest.kinds).map(([kind, counts]) => [
      kind,
      {
        imported: counts.importable,
        orphaned: counts.orphaned,
        failed: counts.rejected,
        ignored: counts.ignored,
      },
    ]),
  );
  const actual = Object.fromEntries(
    Object.entries(report.byKind)
      .filter(([kind]) => !UNCOUNTED.has(kind))
      .map(([kind, { imported, orphaned, failed, ignored }]) => [
        kind,
        { imported, orphaned, failed, ignored },
      ]),
  );
  expect(actual).toEqual(expected);
}

/** Everything below a folder with its bytes and times. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const stat = statSync(join(folder, name));
    hash.update(`${name} ${stat.mode} ${stat.mtimeMs} ${stat.size}\n`);
    if (stat.isFile()) hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

async function counts(store: Store) {
  return (await store.stats()).counts;
}

const seeds = ['29', freshSeed()];

describe('import', () => {
  for (const seed of seeds) {
    for (const faults of [[], ['--faults']]) {
      it(`agrees with the manifest, seed ${seed} ${faults.join('')}, and again changes nothing`, async () => {
        const { home, manifest } = legacyHome('--seed', seed, ...faults);
        const before = fingerprint(home);
        const store = await tempStore();
        const first = await store.import([home]);
        expectAgrees(first, manifest);
        const rows = await counts(store);

        const again = await store.import([home]);
        expect(again.totals).toEqual({
          ...first.totals,
          imported: 0,
          updated: 0,
          unchanged: first.totals.imported,
        });
        expect(await counts(store)).toEqual(rows);
        expect(fingerprint(home)).toBe(before);
        expect((await store.check()).checks.filter((check) => !check.ok)).toEqual([]);
        // Its list lacks queued tasks that another fault happened to fall on.
        const queue = await queueOf(store);
        const expected = manifest.checks['task_queue_after_import'] as string[];
        expect(queue.filter((id) => expected.includes(id))).toEqual(expected);
        if (faults.length === 0) expect(queue).toEqual(expected);
      });
    }
  }

  it('reads state.db of every version', async () => {
    for (const version of ['0', '1', '2', '3', '4']) {
      const options = ['--seed', '6', '--faults', '--state-version', version, ...SMALL_HOME];
      const { home, manifest } = legacyHome(...options);
      const store = await tempStore();
      expectAgrees(await store.import([home]), manifest);
    }
  });

  it('counts without writing anything when asked for a dry run', async () => {
    const { home, manifest } = legacyHome('--seed', '8', '--faults', ...SMALL_HOME);
    const store = await tempStore();
    const before = await counts(store);
    expectAgrees(await store.import([home], { dryRun: true }), manifest);
    expect(await counts(store)).toEqual(before);
  });

  it('brings a session that grew up to date and keeps what was done in the store', async () => {
    const { home } = legacyHome('--seed', '12', ...SMALL_HOME);
    const store = await tempStore();
    await store.import([home]);
    const { path, session } = firstSession(home);
    const { id } = session.metadata;
    await store.sessions.archive(id);
    const length = (await store.sessions.get(id)).messageCount;
    delete session.journal;
    delete session.leaf_id;
    session.messages.push({ role: 'user', content: [{ type: 'text', text: 'one more thing' }] });
    session.metadata.updated_at = '2026-08-20T11:59:59.999999999Z';
    session.metadata.title = 'grown';
    writeFileSync(path, JSON.stringify(session));

    const report = await store.import([home]);
    expect(report.byKind['sessions']).toMatchObject({ imported: 0, updated: 1 });
    const grown = await store.sessions.get(id);
    expect(grown).toMatchObject({ title: 'grown', messageCount: length + 1 });
    expect(grown.archivedAt).not.toBeNull();
    expect((await store.search('one more thing')).items[0]?.sessionId).toBe(id);
  });

  it('takes a rename and an archiving that left the time as it was, and an older copy does not undo them', async () => {
    const { home } = legacyHome('--seed', '19', ...SMALL_HOME);
    const older = legacyHome('--seed', '19', ...SMALL_HOME).home;
    const store = await tempStore();
    await store.import([home]);
    const { path, session } = firstSession(home);
    const renamed = {
      ...session,
      metadata: { ...session.metadata, title: 'zz renamed', archived: true },
    };
    writeFileSync(path, JSON.stringify(renamed));
    const report = await store.import([home, older]);
    expect(report.byKind['sessions']).toMatchObject({ imported: 0, updated: 1 });
    const now = await store.sessions.get(session.metadata.id);
    expect(now.title).toBe('zz renamed');
    expect(now.archivedAt).not.toBeNull();
    // And back: of two versions of one time no hash may decide.
    writeFileSync(path, JSON.stringify(session));
    await store.import([home]);
    expect(await store.sessions.get(session.metadata.id)).toMatchObject({
      title: session.metadata.title,
      archivedAt: null,
    });
  });

  it('keeps the spelling of what an edit of the details does not touch', async () => {
    const { home } = legacyHome('--seed', '20', ...SMALL_HOME);
    const { path, session } = firstSession(home);
    const text = readFileSync(path, 'utf8').replace(
      '"metadata": {',
      '"big": 9007199254740993, "metadata": { "ratio": 1.0,',
    );
    writeFileSync(path, text);
    const store = await tempStore();
    await store.import([home]);
    const { id } = session.metadata;
    const { details } = await store.sessions.get(id);
    await store.sessions.update(id, { details: { ...details, added: true } });
    const out = join(tempFolder(), 'out');
    await store.export(out, { format: 'legacy' });
    const written = readFileSync(join(out, 'sessions', `${id}.json`), 'utf8');
    expect(written).toContain('"ratio": 1.0');
    expect(written).toContain('"big": 9007199254740993');
    expect(written).toContain('"added": true');
  });

  it('takes lines that a log gained, each once', async () => {
    const { home } = legacyHome('--seed', '13', ...SMALL_HOME);
    const store = await tempStore();
    await store.import([home]);
    const log = join(home, 'audit.log');
    appendFileSync(log, '{"ts":"2026-08-20T12:00:00+00:00","event":"late","details":{"n":1.0}}\n');
    const report = await store.import([home]);
    expect(report.totals).toMatchObject({ imported: 1, updated: 0 });
    expect((await store.audit.list({ event: 'late' })).items).toHaveLength(1);
  });

  it('imports an orphan when its parent has come', async () => {
    const { home } = legacyHome('--seed', '14', ...SMALL_HOME);
    const threads = join(home, 'tasks', 'runtime', 'threads');
    const name = readdirSync(threads)[0] ?? '';
    const bytes = readFileSync(join(threads, name));
    rmSync(join(threads, name));
    const store = await tempStore();
    const first = await store.import([home]);
    expect(first.byKind['turns']?.orphaned).toBeGreaterThan(0);
    writeFileSync(join(threads, name), bytes);
    const second = await store.import([home]);
    expect(second.totals.orphaned).toBe(0);
    expect(second.byKind['turns']?.imported).toBe(first.byKind['turns']?.orphaned);
    expect((await store.check()).ok).toBe(true);
  });

  it('keeps records of two homes apart that bear one short id', async () => {
    const a = legacyHome('--seed', '15', ...SMALL_HOME).home;
    const b = legacyHome('--seed', '16', ...SMALL_HOME).home;
    const threads = (home: string) => join(home, 'tasks', 'runtime', 'threads');
    const id = (readdirSync(threads(a))[0] ?? '').replace('.json', '');
    const thread = JSON.parse(readFileSync(join(threads(a), `${id}.json`), 'utf8')) as object;
    const turn = {
      schema_version: 2,
      id: 'turn_0000aaaa',
      thread_id: id,
      status: 'completed',
      input_summary: 'of b',
      created_at: '2026-01-01T00:00:01Z',
    };
    writeFileSync(
      join(threads(b), `${id}.json`),
      JSON.stringify({ ...thread, created_at: '2026-01-01T00:00:00Z', title: 'another' }),
    );
    writeFileSync(join(b, 'tasks', 'runtime', 'turns', 'turn_0000aaaa.json'), JSON.stringify(turn));
    const store = await tempStore();
    await store.import([a, b]);
    const { items } = await store.runtime.listThreads({ archived: 'include', limit: 1000 });
    const other = items.find((item) => item.title === 'another');
    expect(other?.id).toMatch(new RegExp(`^${id}~[0-9a-f]{8}$`));
    expect(items.some((item) => item.id === id)).toBe(true);
    const turns = await store.runtime.listTurns(other?.id ?? '');
    expect(turns.items.map((t) => t.inputSummary)).toEqual(['of b']);
    const again = await store.import([a, b]);
    expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
  });

  it('keeps the files of two homes apart that have one name, also when they come one after the other', async () => {
    const a = legacyHome('--seed', '23', ...SMALL_HOME).home;
    const b = legacyHome('--seed', '24', ...SMALL_HOME).home;
    const lines = (home: string) =>
      readFileSync(join(home, 'session_index.jsonl'), 'utf8').trim().split('\n');
    const store = await tempStore();
    await store.import([a]);
    const second = await store.import([b]);
    const updated = Object.entries(second.byKind).filter(([, counts]) => counts.updated > 0);
    expect(updated).toEqual([]);
    const out = join(tempFolder(), 'out');
    await store.export(out, { format: 'legacy' });
    expect(lines(out).sort()).toEqual([...lines(a), ...lines(b)].sort());
    expect((await store.import([a])).totals).toMatchObject({ imported: 0, updated: 0 });
    expect((await store.import([b])).totals).toMatchObject({ imported: 0, updated: 0 });
  });

  it('does not bring back what was purged or deleted', async () => {
    const { home } = legacyHome('--seed', '17', ...SMALL_HOME);
    const store = await tempStore();
    await store.import([home]);
    const [gone, hidden] = (await store.sessions.list({ limit: 2 })).items as [
      SessionSummary,
      SessionSummary,
    ];
    await store.purge(gone.id);
    await store.sessions.delete(hidden.id);
    // The old program goes on with both, so that their files are the newer ones.
    for (const { id } of [gone, hidden]) {
      const path = join(home, 'sessions', `${id}.json`);
      const file = JSON.parse(readFileSync(path, 'utf8')) as SessionFile;
      file.metadata.updated_at = '2099-01-01T00:00:00Z';
      file.messages.push({ role: 'user', content: [{ type: 'text', text: 'still here' }] });
      writeFileSync(path, JSON.stringify(file));
    }
    const report = await store.import([home]);
    expect(report.byKind['sessions']).toMatchObject({ imported: 0, updated: 1 });
    // What was purged is listed nowhere.
    for (const deleted of [true, false]) {
      const listed = (await store.sessions.list({ deleted, limit: 1000 })).items;
      expect(listed.map(({ id }) => id)).not.toContain(gone.id);
      expect(listed.some(({ id }) => id === hidden.id)).toBe(deleted);
    }
    await expect(store.sessions.get(gone.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.search('"still here"')).toMatchObject({ items: [] });
  });

  it('does not bring back the triggers of a session that was purged', async () => {
    const { home } = legacyHome('--seed', '17', ...SMALL_HOME);
    const store = await tempStore();
    await store.import([home]);
    const { id = '' } = (await store.sessions.list({ limit: 1 })).items[0] ?? {};
    const put = (trigger: string, message: string) => {
      const path = join(home, 'automations', 'triggers', `${trigger}.json`);
      const times = { fire_at: '2099-01-01T00:00:00Z', created_at: '2026-01-01T00:00:00Z' };
      const speaks = { status: 'pending', owner_session_id: id, message };
      writeFileSync(path, JSON.stringify({ trigger_id: trigger, ...times, ...speaks }));
    };
    const [held, late] = [`trig_${'a'.repeat(32)}`, `trig_${'b'.repeat(32)}`];
    put(held, 'wake up');
    await store.import([home]);
    expect(await store.triggers.get(held)).toMatchObject({ message: 'wake up' });
    await store.purge(id);
    put(held, 'wake up again');
    put(late, 'wake up');
    await store.import([home]);
    expect(await store.triggers.get(held)).toMatchObject({ message: '', status: 'canceled' });
    await expect(store.triggers.get(late)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('takes an artifact that changed, and keeps out those of what was purged', async () => {
    const { home } = legacyHome('--seed', '19', ...SMALL_HOME);
    const store = await tempStore();
    await store.import([home]);
    const [one, other] = (await store.sessions.list({ limit: 2 })).items as [
      SessionSummary,
      SessionSummary,
    ];
    const fileOf = (id: string) => join(home, 'sessions', id, 'artifacts', 'art_x.txt');
    const put = (id: string, content: string, time: string) => {
      mkdirSync(join(fileOf(id), '..'), { recursive: true });
      writeFileSync(fileOf(id), content);
      utimesSync(fileOf(id), new Date(time), new Date(time));
    };
    const held = async (id: string) => {
      const out = join(tempFolder(), 'out');
      await store.export(out, { format: 'legacy' });
      const file = join(out, 'sessions', id, 'artifacts', 'art_x.txt');
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    };
    for (const { id } of [one, other]) put(id, 'first', '2026-09-01T00:00:00Z');
    await store.import([home]);
    put(one.id, 'second', '2026-09-02T00:00:00Z');
    await store.import([home]);
    expect(await held(one.id)).toBe('second');

    await store.purge(other.id);
    // Written after the purge: it is the owner's mark that keeps it out, not an older time.
    put(other.id, 'canary', '2099-01-01T00:00:00Z');
    const before = (await store.stats()).blobs;
    await store.import([home]);
    expect((await store.stats()).blobs).toEqual(before);
    expect(await held(other.id)).toBeUndefined();
    const out = join(tempFolder(), 'lines');
    await store.export(out, { format: 'jsonl' });
    expect(readFileSync(join(out, 'artifacts.jsonl'), 'utf8')).not.toContain(other.id);
    expect((await store.check()).checks.find(({ name }) => name === 'blobs')?.ok).toBe(true);
    expect((await store.repair()).checks.find(({ name }) => name === 'blobs')?.ok).toBe(true);
  });

  it('refuses a path that is no home, before it reads any other', async () => {
    const store = await tempStore();
    const { home } = legacyHome('--seed', '18', ...SMALL_HOME);
    await expect(store.import([home, join(home, 'nowhere')])).rejects.toMatchObject({
      code: 'HOME_NOT_FOUND',
    });
    await expect(store.import([join(home, 'audit.log')])).rejects.toMatchObject({
      code: 'HOME_NOT_FOUND',
    });
    for (const homes of ['x', [5], ['a\0b']]) {
      const call = store.import(homes as string[]);
      await expect(call).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    expect((await counts(store))['sessions']).toBe(0);
    const empty = join(tempFolder(), 'empty');
    mkdirSync(empty);
    expect((await store.import([empty])).totals.found).toBe(0);
  });
});

/** A seed that nothing was tuned to. For a few the generator itself fails; they are passed over. */
function freshSeed(): string {
  for (let seed = Date.now() % 100_000; ; seed++) {
    const folder = mkdtempSync(join(tmpdir(), 'cws-seed-'));
    try {
      if (makeHome(join(folder, 'home'), '--seed', String(seed), '--faults')) return String(seed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

interface SessionFile {
  metadata: { id: string; updated_at: string; title: string };
  messages: unknown[];
  journal?: unknown;
  leaf_id?: unknown;
}

function firstSession(home: string): { path: string; session: SessionFile } {
  const folder = join(home, 'sessions');
  const file = readdirSync(folder).find((name) => /^[0-9a-f-]{36}\.json$/.test(name)) ?? '';
  const path = join(folder, file);
  return { path, session: JSON.parse(readFileSync(path, 'utf8')) as SessionFile };
}

/** The order in which imported tasks would run. */
async function queueOf(store: Store): Promise<string[]> {
  const Driver = (await import('libsql')).default;
  const rows = new Driver(store.path)
    .prepare(`select id from tasks where status = 'queued' order by queued_at, id`)
    .raw()
    .all() as string[][];
  return rows.flat();
}
