import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, ROOT), 'utf8');

/** Files of the project that a document links to. */
const linksOf = (text: string) =>
  [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1] as string)
    .filter((link) => !/^[a-z]+:/.test(link));

describe.each(['README.md', 'SECURITY.md'])('%s', (name) => {
  it('links only to what is there', () => {
    const links = linksOf(read(name));
    expect(links.length).toBeGreaterThan(5);
    const missing = links.filter((link) => !existsSync(fileURLToPath(new URL(link, ROOT))));
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
