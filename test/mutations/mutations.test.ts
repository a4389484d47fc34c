import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-store.ts';
import mutations from './mutations.json' with { type: 'json' };
import { verdictOf, type Report } from './verdict.mjs';

it('names are told apart', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});

it.each(mutations)('still applies: $name', ({ file, old, new: changed, test }) => {
  const parts = readFileSync(file, 'utf8').split(old);
  expect(parts).toHaveLength(2);
  expect(changed).not.toBe(old);
  expect(existsSync(test)).toBe(true);
  expect(() => parseAst(parts.join(changed), { lang: 'ts' })).not.toThrow();
});

const VITEST = join(process.cwd(), 'node_modules', '.bin', 'vitest');
/** Test files, and what a mutation is said to be that makes them so. */
const FILES: readonly (readonly [string, string, string])[] = [
  ['passes', `it('a', () => {});`, 'green'],
  ['fails', `it('a', () => { expect(1).toBe(2); });`, 'red'],
  ['throws', `it('a', () => { throw new Error('x'); });`, 'red'],
  ['meets-bad-json', `it('a', () => { JSON.parse('{'); });`, 'red'],
  ['hangs', `it('a', () => new Promise(() => {}));`, 'red'],
  ['does-not-parse', `it('a', () => {`, 'BROKEN'],
  ['does-not-load', `import './nowhere.ts'; it('a', () => {});`, 'BROKEN'],
  ['has-no-such-name', `it('a', () => { nobody(); });`, 'BROKEN'],
  ['has-no-test', ``, 'BROKEN'],
];

it('a test that fails is told from one that does not run', async () => {
  const folder = tempFolder();
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  for (const [name, text] of FILES) {
    writeFileSync(
      join(folder, `${name}.test.ts`),
      `import { expect, it } from 'vitest';\nvoid expect;\n${text}`,
    );
  }
  const file = join(folder, 'report.json');
  const args = [
    ...['run', '--pool', 'threads', '--maxWorkers', '1', '--testTimeout', '500'],
    ...['--reporter', 'json', '--outputFile', file],
  ];
  await new Promise((resolve) => execFile(VITEST, args, { cwd: folder }, resolve));
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  for (const [name, , outcome] of FILES) {
    const testResults = report.testResults.filter((one) => one.name.endsWith(`/${name}.test.ts`));
    expect(testResults).toHaveLength(1);
    const success = outcome === 'green';
    expect(verdictOf({ success, testResults }), name).toMatchObject({ outcome });
  }
  expect(verdictOf({ success: true, testResults: [] })).toMatchObject({ outcome: 'BROKEN' });
  expect(verdictOf(undefined)).toMatchObject({ outcome: 'BROKEN' });
});
