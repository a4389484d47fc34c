import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import mutations from './mutations/mutations.json' with { type: 'json' };

const ROOT = new URL('../', import.meta.url);
const FAULTS = 'test/faults/README.md';
const read = (name: string) => readFileSync(new URL(name, ROOT), 'utf8');

/** Files of the project that a document links to. */
const linksOf = (text: string) =>
  [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1] as string)
    .filter((link) => !/^[a-z]+:/.test(link));

describe.each(['README.md', 'SECURITY.md', FAULTS])('%s', (name) => {
  it('links only to what is there', () => {
    const links = linksOf(read(name));
    expect(links.length).toBeGreaterThan(5);
    const place = new URL(name, ROOT);
    const missing = links.filter((link) => !existsSync(fileURLToPath(new URL(link, place))));
    expect(missing).toEqual([]);
  });
});

it('every promise of the README names a test, and so does every claim of SECURITY.md', () => {
  const promises = read('README.md').match(/## What it promises[\s\S]*?\n## /)?.[0] ?? '';
  const numbered = promises.split(/\n(?=\d\. )/).slice(1);
  expect(numbered).toHaveLength(9);
  const claims = read('SECURITY.md')
    .split(/\n(?=- )/)
    .slice(1);
  expect(claims.length).toBeGreaterThan(10);
  for (const one of [...numbered, ...claims]) expect(one).toMatch(/\]\(test\//);
});

it('every row of the faults names a test, and a mutation that turns one of its tests red', () => {
  const rows = read(FAULTS)
    .split('\n')
    .map((line) => /^\|\s*(\d+)\s*\|.*\|(.*)\|$/.exec(line))
    .filter((row) => row !== null);
  expect(rows.map(([, number]) => Number(number))).toEqual(
    Array.from({ length: 35 }, (_, i) => i + 1),
  );
  for (const [, number = '', links = ''] of rows) {
    const tests = linksOf(links).map((link) => fileURLToPath(new URL(link, new URL(FAULTS, ROOT))));
    const ofRow = mutations.filter(({ name }) =>
      /^[\d, ]*/.exec(name)?.[0].split(/[, ]+/).includes(number),
    );
    const turned = ofRow.filter(({ test }) => tests.includes(fileURLToPath(new URL(test, ROOT))));
    expect(turned.length, `row ${number}`).toBeGreaterThan(0);
  }
});
