import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';
import { setupCli } from './run-cli.ts';

/** What a command ends with in a folder that is removed as soon as it stands in it. */
async function inRemoved(folder: string, env: NodeJS.ProcessEnv, command: string) {
  const gone = join(folder, 'gone');
  mkdirSync(gone);
  const line = `cd '${gone}' && rmdir '${gone}' && ${command}; echo "ended with $?"`;
  return promisify(execFile)('sh', ['-c', line], { env });
}

it('a command that needs the current folder says so when that was removed, and the others go on', async () => {
  const cli = await setupCli();
  await cli.run('task', 'add', 'first');
  const run = (...args: string[]) =>
    inRemoved(cli.folder, cli.env, cli.shellCommand('--json', ...args));
  for (const args of [['task', 'add', 'x'], ['--db', 'own.db', 'stats'], ['import'], ['backup', 'b.db']]) {
    const { stdout, stderr } = await run(...args);
    expect(stderr + stdout, args.join(' ')).toMatch(/current folder was removed/);
    expect(stderr, args.join(' ')).not.toContain('uv_cwd');
    expect(stdout).toMatch(/ended with [12]/);
  }
  expect((await run('task', 'list')).stdout).toMatch(/first[^]*ended with 0/);
}); // prettier-ignore

it('so does the library', async () => {
  const folder = tempFolder();
  const gone = join(folder, 'gone');
  mkdirSync(gone);
  const script = `const [, library, path, gone] = process.argv;
    const { openStore } = await import(library);
    const store = await openStore({ path });
    process.chdir(gone);
    (await import('node:fs')).rmdirSync(gone);
    for (const call of [() => store.backup('b.db'), () => openStore({ path: 'c.db' })])
      await call().catch((error) => console.log(error.name, error.code));`;
  const paths = [await builtLibrary(), join(folder, 'store.db'), gone];
  const args = ['--input-type=module', '-e', script, ...paths];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const typed = 'FileSystemError FILE_SYSTEM\n';
  expect(stdout).toBe(typed + typed);
});
