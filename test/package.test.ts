import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { legacyHome } from './support/legacy-home.ts';
import { tempFolder } from './support/temp-store.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** `npm test` builds before this runs; the package holds that build. */
it('the packed package installs elsewhere, with its migrations, and works as library and program', () => {
  const folder = tempFolder();
  npm(ROOT, 'pack', '--pack-destination', folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  const app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "type": "module", "private": true }');
  npm(
    app,
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    join('..', tarball),
  );
  writeFileSync(
    join(app, 'use.mjs'),
    `import { openStore } from 'codewhale-store';
     const store = await openStore({ path: process.argv[2] });
     await store.sessions.create({ title: 'from a program', workspace: '/w' });
     console.log((await store.sessions.list({ limit: 1000 })).items.length);
     await store.close();`,
  );
  const { home, manifest } = legacyHome('--seed', '21', '--faults');
  const db = join(folder, 'store', 'store.db');
  const cli = (...args: string[]) =>
    execFileSync(
      join(app, 'node_modules', '.bin', 'codewhale-store'),
      ['--db', db, '--json', ...args],
      {
        encoding: 'utf8',
      },
    );
  const report = JSON.parse(cli('import', home)) as {
    byKind: Record<string, { imported: number }>;
  };
  const sessions = manifest.kinds['sessions']?.importable ?? 0;
  expect(report.byKind['sessions']?.imported).toBe(sessions);
  const used = execFileSync(process.execPath, ['use.mjs', db], { cwd: app, encoding: 'utf8' });
  const archived = (
    JSON.parse(cli('session', 'list', '--archived', 'only', '--limit', '1000')) as {
      items: unknown[];
    }
  ).items.length;
  expect(Number(used)).toBe(sessions - archived + 1);
  expect(
    npm(app, 'ls', '--all', '--parseable')
      .split('\n')
      .filter((line) => line.includes('vitest')),
  ).toEqual([]);
}, 120_000);
