import { cpSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { legacyHome } from '../support/legacy-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const AT = '2026-02-20T10:00:00Z';
const RESTED = new Date('2026-08-01T00:00:00Z');
const SMALL = [
  ...['--sessions', '4', '--threads', '2', '--turns', '1', '--items', '2', '--events', '10'],
  ...['--tasks', '3', '--audit', '5', '--state-threads', '4'],
];

function write(home: string, path: string, record: object): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), JSON.stringify(record));
}

/** A home with one record of each kind of which the old program changes something at no new time. */
function writeWork(home: string, changed: boolean): void {
  const runtime = (kind: string, id: string, record: object) => {
    write(home, `tasks/runtime/${kind}s/${id}.json`, { id, ...record });
  };
  const place = { model: 'm', workspace: '/w', mode: 'agent', allow_shell: true };
  runtime('thread', 'thr_1', {
    ...{ ...place, created_at: AT, updated_at: AT, trust_mode: false, auto_approve: false },
    ...(changed ? { title: 'renamed' } : {}),
  });
  runtime('turn', 'turn_1', {
    ...{ thread_id: 'thr_1', input_summary: 'i', status: 'in_progress', created_at: AT },
    ...{ started_at: AT, item_ids: ['item_1'], steer_count: changed ? 3 : 0 },
  });
  runtime('item', 'item_1', {
    ...{ turn_id: 'turn_1', kind: 'agent_message', status: 'in_progress', summary: 's' },
    ...{ detail: changed ? 'Hello world' : 'Hel', started_at: AT },
  });
  write(home, 'tasks/tasks/task_1.json', {
    ...{ ...place, id: 'task_1', prompt: 'p', trust_mode: false, status: 'running' },
    ...{ created_at: AT, started_at: AT, tool_calls: [] },
    timeline: changed ? [{ timestamp: AT, kind: 'message', summary: 'working' }] : [],
  });
  write(home, 'automations/automations/a1.json', {
    ...{ id: 'a1', name: 'n', prompt: 'p', rrule: 'FREQ=HOURLY', status: 'active' },
    ...{ created_at: AT, updated_at: AT, next_run_at: changed ? '2026-02-20T12:00:00Z' : AT },
  });
  writeSession(home, { title: changed ? 'renamed' : 'first', archived: changed });
}

function writeSession(home: string, metadata: object, texts: readonly string[] = ['hello']): void {
  write(home, 'sessions/s1.json', {
    metadata: {
      ...{ id: 's1', title: 't', created_at: AT, updated_at: AT, message_count: texts.length },
      ...{ total_tokens: 0, model: 'm', workspace: '/w' },
      ...metadata,
    },
    messages: texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }] })),
  });
}

describe('a home that is not the first one of its store', () => {
  it('brings in what changed at no new time', async () => {
    const [empty, home] = [tempFolder(), tempFolder()];
    const store = await tempStore();
    writeWork(home, false);
    expect((await store.import([empty, home])).totals).toMatchObject({ found: 6, imported: 6 });
    writeWork(home, true);
    expect((await store.import([empty, home])).totals).toMatchObject({ found: 6, updated: 6 });
    const session = await store.sessions.get('s1');
    expect(session.title).toBe('renamed');
    expect(session.archivedAt).not.toBeNull();
    expect((await store.runtime.getItem('item_1')).detail).toBe('Hello world');
  });

  it('brings in a file that it changed, also where an earlier one has a file of that name', async () => {
    const [one, two] = [tempFolder(), tempFolder()];
    writeSession(one, { title: 'of one' });
    writeSession(two, { title: 'of two' });
    const store = await tempStore();
    const title = async () => (await store.sessions.get('s1')).title;
    for (let i = 0; i < 2; i++) {
      await store.import([one, two]);
      expect(await title()).toBe('of one');
    }
    writeSession(two, { title: 'of two, renamed' });
    expect((await store.import([one, two])).totals).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await title()).toBe('of two, renamed');
    expect((await store.import([one, two])).totals).toMatchObject({ updated: 0, unchanged: 2 });
  });

  it('brings in the tools of its threads', async () => {
    const one = legacyHome('--seed', '5', ...SMALL).home;
    const { home, manifest } = legacyHome('--seed', '4', ...SMALL, '--state-threads', '16');
    const tools = manifest.kinds['state.thread_dynamic_tools']?.importable ?? 0;
    expect(tools).toBeGreaterThan(0);
    for (const earlier of [one, tempFolder()]) {
      const store = await tempStore();
      await store.import([earlier]);
      const report = await store.import([home]);
      expect(report.byKind['state.thread_dynamic_tools']).toMatchObject({ imported: tools });
      expect((await store.import([earlier, home])).totals).toMatchObject({
        imported: 0,
        updated: 0,
      });
      const older = oldCopy(home);
      const again = await store.import([older]);
      expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
      changeRow(
        older,
        `insert into jobs (id, name, status, created_at, updated_at)
        values ('job-later', 'n', 'queued', 1, 1)`,
      );
      const changed = await store.import([older]);
      expect(changed.totals).toMatchObject({ imported: 1, updated: 0 });
    }
  });

  it('does not take turns with the first one over a file that never comes in as a whole', async () => {
    const one = legacyHome('--seed', '6', '--faults', ...SMALL).home;
    const two = join(tempFolder(), 'two');
    // Bad files that rest are not read again and again: nobody is writing them.
    for (const name of readdirSync(one, { recursive: true, encoding: 'utf8' })) {
      if (statSync(join(one, name)).isFile()) utimesSync(join(one, name), RESTED, RESTED);
    }
    cpSync(one, two, { recursive: true, preserveTimestamps: true });
    const title = (home: string, text: string) => {
      changeRow(
        home,
        `update threads set title = '${text}';
         update threads set preview = x'00' where rowid = (select max(rowid) from threads)`,
      );
    };
    title(one, 'of one');
    title(two, 'of two');
    const store = await tempStore();
    const first = await store.import([one, two]);
    expect(first.byKind['state.threads']?.failed).toBeGreaterThan(0);
    expect(first.byKind['state.threads']).toMatchObject({ updated: 0 });
    for (const home of [one, two, one]) {
      expect((await store.import([home])).totals).toMatchObject({ imported: 0, updated: 0 });
    }
    title(two, 'of two, renamed');
    expect((await store.import([one, two])).byKind['state.threads']?.updated).toBeGreaterThan(0);
    for (const home of [one, two, one]) {
      expect((await store.import([home])).totals).toMatchObject({ imported: 0, updated: 0 });
    }
  });
});

/** As the home was before its threads got other tools. */
function oldCopy(home: string): string {
  const copy = join(tempFolder(), 'copy');
  cpSync(home, copy, { recursive: true, preserveTimestamps: true });
  changeRow(
    copy,
    `update threads set updated_at = updated_at - 100;
    update thread_dynamic_tools set name = 'older'`,
  );
  return copy;
}

function changeRow(home: string, sql: string): void {
  const driver = new Driver(join(home, 'state.db'));
  driver.exec(sql);
  driver.close();
}
