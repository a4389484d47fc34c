import { expect, it } from 'vitest';
import { matchQuery } from '../../src/model/search-text.ts';
import type { Random } from '../simulation/random.ts';
import { tempStore } from '../support/temp-store.ts';
import { everydayRuns, fuzz } from './fuzz.ts';
import { TEXTS } from './hostile-values.ts';

/** What FTS5 would take for syntax, and what its tokenizer meets seldom. */
const PIECES = [
  ...TEXTS,
  '"',
  '""',
  "'",
  '*',
  '^',
  '(',
  ')',
  '{title}:',
  'text:',
  '-',
  '+',
  ' AND ',
  ' OR ',
  ' NOT ',
  ' NEAR(',
  ', 5)',
  '?',
  '%',
  '\\',
  '“',
  '»',
  'loader',
  'getUserName',
  'URLs',
  '数据',
  '库',
  'ภาษาไทย',
  '한국어',
  'e\u0301',
  '\u200b',
  '\u0301',
  '\ufdfa',
  '\u{1f468}\u200d\u{1f469}',
  '\x1e',
  ' ',
  '\n',
];

function query(random: Random): string {
  const parts = Array.from({ length: random.below(12) }, () =>
    random.chance(0.1) ? String.fromCharCode(random.below(65_536)) : random.pick(PIECES),
  );
  const text = parts.join(random.chance(0.5) ? '' : ' ');
  return random.chance(0.01) ? text.repeat(Math.ceil(100_000 / (text.length + 1))) : text;
}

it('any query finds something or nothing', async () => {
  const store = await tempStore();
  const { id } = await store.sessions.create({ title: 'the loader of URLs', workspace: '/w' });
  const texts = PIECES.map((piece) => `before ${piece} getUserName 数据库 ${piece} after`);
  await store.sessions.appendMessages(
    id,
    [...texts, texts.join('\n').repeat(50)].map((content) => ({ role: 'user', content })),
  );
  let hits = 0;
  await fuzz('search', 400, async (random) => {
    const words = query(random);
    const { items } = await store.search(words, { limit: 5 });
    hits += items.length;
    if (matchQuery(words) === null) expect(items).toEqual([]);
    for (const hit of items) {
      expect(hit.snippet.isWellFormed()).toBe(true);
      expect(hit.snippet).not.toMatch(/\p{Cc}/u);
    }
  });
  if (everydayRuns) expect(hits).toBeGreaterThan(0);
});
