import { expect, it } from 'vitest';
import { repeatedWords } from '../../src/transfer/import/take-row.ts';
import { rowDigest, textDigest } from '../../src/transfer/export/said.ts';
import type { ImportRecord } from '../../src/transfer/import/record.ts';

const DEVICE = '01M8QDR11263GGJE4F014FQ59A';
const AT = 1000;
const RAW = '{"id":"t","title":"one"}';

function record(kind: string, raw: string, of: string): ImportRecord {
  const mark = { said: { [DEVICE]: { title: AT } }, of };
  const entry = { kind, path: 'p', id: 't', value: {}, mtimeMs: 0, mark };
  return { ...entry, raw, exported: raw };
}

const WORDS = new Map([['title', { ms: AT - 1, device: DEVICE }]]);

it('words are repeated by a record as it was made', () => {
  expect(repeatedWords(record('tasks', RAW, textDigest(RAW)), AT)).toEqual(WORDS);
});

it('a record that somebody changed since says something of its own', () => {
  const changed = RAW.replace('one', 'two');
  expect(repeatedWords(record('tasks', changed, textDigest(RAW)), AT)).toBeUndefined();
});

it('what is said to have been said in the future was not', () => {
  expect(repeatedWords(record('tasks', RAW, textDigest(RAW)), AT - 1)).toBeUndefined();
});

it('a row of a database says the same in whatever order its columns stand, defaults or not', () => {
  const of = rowDigest([
    ['title', '"one"'],
    ['id', '"t"'],
  ]);
  const row = '{"id":"t","title":"one","archived":0,"title_of_nothing":null,"current_leaf_id":3}';
  expect(repeatedWords(record('state.threads', row, of), AT)).toEqual(WORDS);
  const archived = row.replace('"archived":0', '"archived":1');
  expect(repeatedWords(record('state.threads', archived, of), AT)).toBeUndefined();
});
