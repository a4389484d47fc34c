import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { exportFrom, importInto, workIn } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

const AT = '2026-02-20T10:00:00Z';
const say = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
const entry = (id: string, parent: string | null, text: string) => ({
  id,
  ...(parent === null ? {} : { parent_id: parent }),
  kind: 'message',
  message: say(text),
  created_at: AT,
});

type Entry = ReturnType<typeof entry>;

/** A home with one session, of this journal. */
function homeWith(entries: Entry[], leaf: string, texts: string[]): string {
  const home = join(tempFolder(), 'home');
  mkdirSync(join(home, 'sessions'), { recursive: true });
  const metadata = {
    ...{ id: 's', title: 't', created_at: AT, updated_at: AT },
    ...{ message_count: texts.length, total_tokens: 0, model: 'm', workspace: '/w' },
  };
  const journal = { entries, leaf_id: leaf };
  const session = { metadata, messages: texts.map(say), journal };
  writeFileSync(join(home, 'sessions', 's.json'), JSON.stringify(session));
  return home;
}

interface Seen {
  shown: string[];
  count: number;
  branches: { texts: string[]; current: boolean }[];
}

async function look({ sessions }: Store): Promise<Seen> {
  const textsOf = async (leaf?: string) => {
    const { items } = await sessions.messages('s', leaf === undefined ? {} : { leaf });
    return items.map(({ content }) => (content as { text: string }[])[0]?.text ?? '');
  };
  const branches = [];
  for (const { leaf, current } of await sessions.branches('s')) {
    branches.push({ texts: await textsOf(leaf), current });
  }
  const { messageCount } = await sessions.get('s');
  return { shown: await textsOf(), count: messageCount, branches };
}

/** What is seen after an import; a second one, and one of the export, change nothing of it. */
async function seenOf(home: string): Promise<Seen> {
  const file = join(tempFolder(), 'a.db');
  const seen = async () => {
    let found: Seen | undefined;
    await workIn(file, async (store) => (found = await look(store)));
    return found as Seen;
  };
  await importInto(file, home);
  const first = await seen();
  expect((await importInto(file, home)).totals).toMatchObject({ imported: 0, updated: 0 });
  const out = join(tempFolder(), 'out');
  await exportFrom(file, out);
  expect((await importInto(file, out)).totals).toMatchObject({ imported: 0, updated: 0 });
  expect(await seen()).toEqual(first);
  return first;
}

describe('a journal', () => {
  it.each([
    ['of two', [entry('a', 'b', 'one'), entry('b', 'a', 'two')], 'b', ['one', 'two']],
    ['of one', [entry('a', 'a', 'one')], 'a', ['one']],
    [
      'above its leaf',
      [entry('a', 'b', 'one'), entry('b', 'a', 'two'), entry('c', 'a', 'three')],
      'c',
      ['two', 'one', 'three'],
    ],
  ] as const)(
    'with a cycle of parents, %s, shows what the old program does',
    async (_, entries, leaf, texts) => {
      const seen = await seenOf(homeWith([...entries], leaf, [...texts]));
      expect(seen).toEqual({
        shown: texts,
        count: texts.length,
        branches: [{ texts, current: true }],
      });
    },
  );

  it('keeps the branch that ends with a message that another branch has too', async () => {
    const entries = [
      entry('a', null, 'same'),
      entry('b', 'a', 'same'),
      entry('c', 'a', 'same'),
      entry('d', 'b', 'same'),
    ];
    const [two, three] = [
      ['same', 'same'],
      ['same', 'same', 'same'],
    ];
    expect(await seenOf(homeWith(entries, 'd', three))).toEqual({
      shown: three,
      count: 3,
      branches: [
        { texts: two, current: false },
        { texts: three, current: true },
      ],
    });
    const back = await seenOf(homeWith(entries, 'c', two));
    expect(back.branches.map(({ texts, current }) => [texts.length, current])).toEqual([
      [2, true],
      [3, false],
    ]);
  });

  it('shares the messages of siblings that say the same, where their branches are told apart later', async () => {
    const entries = [
      entry('a', null, 'go'),
      entry('b', 'a', 'same'),
      entry('c', 'a', 'same'),
      entry('d', 'b', 'left'),
      entry('e', 'c', 'right'),
    ];
    const seen = await seenOf(homeWith(entries, 'e', ['go', 'same', 'right']));
    expect(seen.branches).toEqual([
      { texts: ['go', 'same', 'right'], current: true },
      { texts: ['go', 'same', 'left'], current: false },
    ]);
  });
});
