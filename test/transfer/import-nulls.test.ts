import { readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { legacyHome } from '../support/legacy-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

type Json = Record<string, unknown>;

const SMALL = [
  ...['--sessions', '3', '--threads', '2', '--turns', '1', '--items', '2', '--events', '10'],
  ...['--tasks', '3', '--automations', '2', '--audit', '5', '--state-threads', '2'],
];
const SINGLE = /(queue|state|owner|session_boot_owners|latest)\.json$/;
const RESTED = new Date('2026-08-01T00:00:00Z');
/** What the records of a home may hold, and those of this one do not all. */
const OPTIONAL = ['journal', 'leaf_id', 'work_state', 'system_prompt', 'draft', 'details'];

it('a member that is null is none, or costs its record: the others come in', async () => {
  const { home } = legacyHome('--seed', '31', ...SMALL);
  const plain = (await (await tempStore()).import([home])).totals;
  let added = 0;
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    const path = join(home, name);
    if (name.endsWith('.jsonl')) {
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      const more = variants(lines[0] ?? '{}');
      writeFileSync(path, [...lines, ...more, ''].join('\n'));
      added += more.length;
    } else if (name.endsWith('.json') && !SINGLE.test(name)) {
      const stem = basename(name, '.json');
      for (const [i, text] of variants(readFileSync(path, 'utf8')).entries()) {
        // A bad file that is young is read again and again: somebody may be writing it.
        const copy = join(path, '..', `${stem}-${i}.json`);
        writeFileSync(copy, text.replaceAll(stem, `${stem}-${i}`));
        utimesSync(copy, RESTED, RESTED);
        added++;
      }
    }
  }
  expect(added).toBeGreaterThan(300);
  const store = await tempStore();
  const { found, imported, orphaned, failed } = (await store.import([home])).totals;
  expect(found).toBe(plain.found + added);
  expect(imported).toBeGreaterThan(plain.imported);
  expect(imported + orphaned + failed).toBe(found);
  await store.export(join(tempFolder(), 'out'), { format: 'legacy' });
});

it('a journal that is null is none, also when the conversation goes on', async () => {
  const { home } = legacyHome('--seed', '32', ...SMALL);
  const folder = join(home, 'sessions');
  const name = readdirSync(folder).find((each) => /^[0-9a-f-]{36}\.json$/.test(each)) ?? '';
  const session = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json;
  writeFileSync(join(folder, name), JSON.stringify({ ...session, journal: null, leaf_id: null }));
  const store = await tempStore();
  expect((await store.import([home])).totals.failed).toBe(0);
  const id = name.replace('.json', '');
  const { messages } = session as { messages: unknown[] };
  expect((await store.sessions.get(id)).messageCount).toBe(messages.length);
  await store.sessions.appendMessages(id, [{ role: 'user', content: 'goes on' }]);
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const again = await tempStore();
  expect((await again.import([out])).totals.failed).toBe(0);
  expect((await again.sessions.get(id)).messageCount).toBe(messages.length + 1);
});

/** A record with null for each of its members, and for those of the objects in it. */
function variants(text: string): string[] {
  const record = JSON.parse(text) as Json;
  const keys = new Set([...OPTIONAL, ...Object.keys(record)]);
  const inner = Object.entries(record).flatMap(([name, member]) =>
    isObject(member)
      ? Object.keys(member).map((key) => ({ ...record, [name]: { ...member, [key]: null } }))
      : [],
  );
  const outer = [...keys].map((key) => ({ ...record, [key]: null }));
  return [...outer, ...inner].map((each) => JSON.stringify(each));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
