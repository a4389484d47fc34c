import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportFrom, importInto, readRecord, workIn } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

const session = (id: string, at = '2026-02-20T10:00:00Z') =>
  JSON.stringify({
    metadata: {
      ...{ id, title: 't', created_at: at, updated_at: at },
      ...{ message_count: 0, total_tokens: 0, model: 'm', workspace: '/w' },
    },
    messages: [],
  });

function homeWith(files: Record<string, string>): string {
  const sessions = join(tempFolder(), 'home', 'sessions');
  mkdirSync(sessions, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    // One byte each, so that a name need not be UTF-8.
    writeFileSync(Buffer.from(join(sessions, name), 'latin1'), text);
  }
  return join(sessions, '..');
}

describe('an import', () => {
  it('takes the years 0 to 99 for what they are', async () => {
    const years = ['0000', '0001', '0050', '0099', '0100', '9999'];
    const times = years.map((year) => `${year}-02-03T04:05:06.000Z`);
    const home = homeWith(
      Object.fromEntries(times.map((time, i) => [`y${i}.json`, session(`y${i}`, time)])),
    );
    const store = join(tempFolder(), 'a.db');
    expect((await importInto(store, home)).problems).toEqual([]);
    const found = await workIn(store, ({ sessions }) =>
      Promise.all(times.map(async (_, i) => (await sessions.get(`y${i}`)).updatedAt)),
    );
    expect(found).toEqual(times);
  });

  it('tells of a file whose name is not UTF-8', async () => {
    const home = homeWith({ 'ok.json': session('ok'), 'bad\xff\xfe.json': session('bad') });
    const report = await importInto(join(tempFolder(), 'a.db'), home);
    expect(report.byKind['sessions']).toMatchObject({ found: 2, imported: 1, failed: 1 });
    expect(report.problems).toMatchObject([
      { kind: 'sessions', class: 'reject', reason: 'invalid_name' },
    ]);
  });

  it('reads the id of a session without the blanks around it', async () => {
    const home = homeWith({ 'one.json': session(' one\n') });
    const store = join(tempFolder(), 'a.db');
    expect((await importInto(store, home)).totals).toMatchObject({ imported: 1, failed: 0 });
    expect((await importInto(store, home)).totals).toMatchObject({ imported: 0, unchanged: 1 });
    const out = join(tempFolder(), 'out');
    await exportFrom(store, out);
    expect(readRecord(out, 'sessions/one.json')).toMatchObject({ metadata: { id: 'one' } });
    expect((await importInto(store, out)).totals).toMatchObject({ imported: 0, failed: 0 });
    expect((await importInto(store, homeWith({ 'x.json': session(' ') }))).problems).toMatchObject([
      { reason: 'unsafe_id' },
    ]);
  });
});
