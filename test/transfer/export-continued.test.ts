import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { SmallHome, time } from '../support/small-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

interface Message {
  role: string;
  content: { type: string; text: string }[];
}

interface SessionFile {
  metadata: Record<string, unknown>;
  messages: Message[];
  journal?: unknown;
  leaf_id?: unknown;
  store_row?: unknown;
}

const say = (role: string, text: string): Message => ({ role, content: [{ type: 'text', text }] });

async function exported(store: Store): Promise<string> {
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  return out;
}

/** A journal as the old program makes one anew at each save: every entry has another id. */
function newJournal(messages: readonly Message[], round: number) {
  const entries = messages.map((message, i) => ({
    id: `e${round}-${i}`,
    ...(i === 0 ? {} : { parent_id: `e${round}-${i - 1}` }),
    ...{ kind: 'message', message, created_at: time(5), spawn_depth: 0 },
  }));
  return { entries, leaf_id: entries.at(-1)?.id, schema_version: 1, spawn_depth: 0 };
}

let saves = 0;

/** The old program loads a session, goes on with it and saves it, with what it knows of it only. */
function goOn(
  home: string,
  id: string,
  texts: readonly string[],
  { journal, mark }: { readonly journal: boolean; readonly mark: boolean },
): void {
  const path = join(home, 'sessions', `${id}.json`);
  const file = JSON.parse(readFileSync(path, 'utf8')) as SessionFile;
  const said = file.messages.map(({ role, content }) => ({
    role,
    content: content.map(({ type, text }) => ({ type, text })),
  }));
  const messages = [...said, ...texts.map((text) => say('user', text))];
  saves++;
  const updated_at = new Date(Date.now() + saves * 1000).toISOString();
  const fresh = journal ? newJournal(messages, saves) : undefined;
  const saved = {
    schema_version: 1,
    metadata: { ...file.metadata, updated_at, message_count: messages.length },
    messages,
    ...(fresh ? { journal: fresh, leaf_id: fresh.leaf_id } : {}),
    ...(mark && file.store_row !== undefined ? { store_row: file.store_row } : {}),
  };
  writeFileSync(path, JSON.stringify(saved, null, 2));
}

async function shown(store: Store, id: string): Promise<string[]> {
  const { items } = await store.sessions.messages(id);
  expect((await store.sessions.get(id)).messageCount).toBe(items.length);
  return items.map(({ content }) => (content as Message['content'])[0]?.text ?? '');
}

async function branches(store: Store, id: string): Promise<[number, boolean][]> {
  const all = await store.sessions.branches(id);
  return all.map(({ messageCount, current }) => [messageCount, current]);
}

/** A session of the library, whose messages have members in an order of their own. */
async function made(store: Store): Promise<string> {
  const { id } = await store.sessions.create({ title: 'one', workspace: '/w' });
  await store.sessions.appendMessages(id, [
    { role: 'user', content: [{ text: 'alpha', type: 'text', cache_control: null }], seen: true },
    { role: 'assistant', content: 'beta' },
  ]);
  return id;
}

/** An imported one that the library went on with. */
async function imported(store: Store): Promise<string> {
  const home = new SmallHome();
  const metadata = {
    ...{ id: 's1', title: 'one', created_at: time(1), updated_at: time(2), message_count: 1 },
    ...{ total_tokens: 0, model: 'm', workspace: '/w' },
  };
  home.put('sessions/s1.json', { metadata, messages: [say('user', 'alpha')] });
  await store.import([home.root]);
  await store.sessions.appendMessages('s1', [{ role: 'assistant', content: 'beta' }]);
  return 's1';
}

const ways = [made, imported].flatMap((make) =>
  [true, false].flatMap((journal) =>
    [true, false].map((mark) => ({ make, origin: make.name, journal, mark })),
  ),
);

describe.each(ways)('a session that was $origin, journal $journal, mark $mark', (way) => {
  it('is there once after the old program went on with its export, and shows that', async () => {
    const store = await tempStore();
    const id = await way.make(store);
    const home = await exported(store);
    goOn(home, id, ['gamma'], way);
    await store.import([home]);
    expect(await shown(store, id)).toEqual(['alpha', 'beta', 'gamma']);
    expect(await branches(store, id)).toEqual([[3, true]]);
    for (const word of ['alpha', 'beta', 'gamma']) {
      expect((await store.search(word)).items).toHaveLength(1);
    }
    // And on and on, here and there.
    await store.sessions.appendMessages(id, [{ role: 'assistant', content: 'delta' }]);
    const next = await exported(store);
    goOn(next, id, ['epsilon', 'zeta'], way);
    await store.import([next]);
    const all = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
    expect(await shown(store, id)).toEqual(all);
    expect(await branches(store, id)).toEqual([[6, true]]);
    expect((await store.import([next])).totals).toMatchObject({ imported: 0, updated: 0 });
  });

  it('keeps what was said in the store meanwhile as the current branch', async () => {
    const store = await tempStore();
    const id = await way.make(store);
    const home = await exported(store);
    await store.sessions.appendMessages(id, [{ role: 'user', content: 'meanwhile' }]);
    goOn(home, id, ['gamma'], way);
    await store.import([home]);
    expect(await shown(store, id)).toEqual(['alpha', 'beta', 'meanwhile']);
    const both = [
      [3, false],
      [3, true],
    ];
    expect((await branches(store, id)).sort()).toEqual(both);
  });
});

it('a message that was said twice is followed where the conversation went on', async () => {
  const store = await tempStore();
  const { id } = await store.sessions.create({ title: 'one', workspace: '/w' });
  const append = async (text: string, parent: string | null) =>
    (await store.sessions.appendMessages(id, [{ role: 'user', content: text }], { parent }))[0] ??
    null;
  const first = await append('first', null);
  await append('old end', await append('again', first));
  await append('new end', await append('again', first));
  const home = await exported(store);
  goOn(home, id, ['more'], { journal: false, mark: false });
  await store.import([home]);
  expect(await shown(store, id)).toEqual(['first', 'again', 'new end', 'more']);
  expect((await store.search('again')).items).toHaveLength(2);
});

it('numbers that differ beyond 2^53 are not one message', async () => {
  const store = await tempStore();
  const home = new SmallHome();
  const write = (input: string, updated: number) => {
    const metadata = {
      ...{ id: 's1', title: 'one', created_at: time(1), updated_at: time(updated) },
      ...{ message_count: 1, total_tokens: 0, model: 'm', workspace: '/w' },
    };
    const block = `{"type":"tool_use","id":"c","name":"n","input":{"n":${input}}}`;
    const messages = `[{"role":"assistant","content":[${block}]}]`;
    const text = `{"metadata":${JSON.stringify(metadata)},"messages":${messages}}`;
    home.put('sessions/s1.json', {});
    writeFileSync(join(home.root, 'sessions/s1.json'), text);
  };
  write('9007199254740993', 2);
  await store.import([home.root]);
  await store.sessions.appendMessages('s1', [{ role: 'user', content: 'beta' }]);
  write('9007199254740992', 3);
  await store.import([home.root]);
  expect(await branches(store, 's1')).toHaveLength(2);
});

it('a thread of state.db goes on where the old program did', async () => {
  const store = await tempStore();
  const { id } = await store.threads.upsert({ cwd: '/w', title: 'one' });
  await store.threads.appendMessage(id, { role: 'user', content: 'alpha' });
  await store.threads.appendMessage(id, { role: 'assistant', content: 'beta' });
  const home = await exported(store);
  const driver = new Driver(join(home, 'state.db'));
  const leaf = driver.prepare('select current_leaf_id as leaf from threads').get() as {
    leaf: number;
  };
  const { lastInsertRowid: added } = driver
    .prepare(
      `insert into messages (thread_id, role, content, created_at, parent_entry_id)
       values (?, 'user', 'gamma', 1900000000, ?)`,
    )
    .run(id, leaf.leaf);
  driver.prepare('update threads set current_leaf_id = ?').run(added);
  driver.close();
  await store.import([home]);
  const { items } = await store.threads.messages(id);
  expect(items.map(({ content }) => content)).toEqual(['alpha', 'beta', 'gamma']);
});
