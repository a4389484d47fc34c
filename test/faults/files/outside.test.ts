import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { copySqlite } from '../../../src/db/sqlite-copy.ts';
import { openStore } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { debianTool } from '../../support/debian-tool.ts';
import { legacyHome, SMALL_HOME } from '../../support/legacy-home.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

const run = promisify(execFile);
const program = async () => fileURLToPath(new URL('cli/main.js', await builtLibrary()));

/** What makes, changes, renames or removes a file or folder, with the names that it was given. */
const CALLS =
  'open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,' +
  'unlink,unlinkat,rmdir,truncate,chmod,fchmodat,chown,fchownat,utimensat,mknod,mknodat';
const READS = /\bopen(at|at2)?\((?!.*(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC))/;
/** The descriptors of this process, and where nothing is kept. */
const NOWHERE = /^\/(dev|proc)\//;

/** The paths that a command of the program writes to. */
async function written(folder: string, ...args: string[]): Promise<string[]> {
  const trace = join(tempFolder(), 'trace');
  const strace = await debianTool('strace');
  const command = [process.execPath, await program(), ...args];
  // Whatever happens to be there by default may be written by the tests beside this one.
  const env = { ...process.env, TMPDIR: join(folder, 'tmp'), HOME: folder, NODE_COMPILE_CACHE: '' };
  await run(strace, ['-f', '-s', '4096', '-e', `trace=${CALLS}`, '-o', trace, ...command], {
    env,
    cwd: folder,
  });
  const lines = readFileSync(trace, 'utf8').split('\n');
  expect(lines.join('\n')).toContain('exited with 0');
  const paths = lines
    .filter((line) => !READS.test(line))
    .flatMap((line) =>
      Array.from(line.matchAll(/"((?:[^"\\]|\\.)*)"/g), (match) => match[1] ?? ''),
    );
  return [...new Set(paths)].filter((path) => !NOWHERE.test(path)).sort();
}

describe('nothing outside of the folder of the store is written', () => {
  it('by import, export, backup, doctor and sync, but what they were told to make', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'tmp'));
    const { home } = legacyHome('--seed', '41', ...SMALL_HOME);
    const db = join(folder, 'data', 'store.db');
    const outside = async (target: string | undefined, ...args: string[]) => {
      const paths = await written(folder, '--db', db, ...args);
      expect(paths.length).toBeGreaterThan(0);
      const allowed = [join(folder, 'data'), ...(target === undefined ? [] : [target])];
      return paths.filter((path) => !allowed.some((each) => `${path}/`.startsWith(each)));
    };
    expect(await outside(undefined, 'import', home)).toEqual([]);
    expect(await outside(undefined, 'import', home, '--dry-run')).toEqual([]);
    const out = join(folder, 'out');
    expect(await outside(out, 'export', out, '--format', 'legacy')).toEqual([]);
    const copy = join(folder, 'copy.db');
    expect(await outside(copy, 'backup', copy)).toEqual([]);
    expect(await outside(undefined, 'doctor')).toEqual([]);
    expect(await outside(undefined, 'doctor', '--repair')).toEqual([]);
    const sqld = await startSqld();
    expect(await outside(undefined, 'sync', 'enable', sqld.url, '--no-encryption')).toEqual([]);
    expect(await outside(undefined, 'sync', 'now')).toEqual([]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('and a dry run without a store leaves none behind', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'tmp'));
    const { home } = legacyHome('--seed', '42', ...SMALL_HOME);
    const db = join(folder, 'data', 'store.db');
    const paths = await written(folder, '--db', db, 'import', home, '--dry-run');
    // And what is made elsewhere would be seen.
    expect(paths.some((path) => path.includes('.importing-'))).toBe(true);
    expect(paths.filter((path) => !path.startsWith(join(folder, 'tmp/')))).toEqual([]);
    expect(existsSync(join(folder, 'data'))).toBe(false);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
});

describe('the copy of a state.db', () => {
  /** A home with a state.db that takes a while to copy. */
  function largeHome(): string {
    const home = join(tempFolder(), 'home');
    mkdirSync(home);
    const driver = new Driver(join(home, 'state.db'));
    driver.exec(`create table filler (a); insert into filler values (zeroblob(300000000))`);
    driver.close();
    return home;
  }

  const copiesIn = (folder: string) =>
    readdirSync(folder).filter((name) => name.includes('.importing-'));

  it('that was killed is told of, readable to its owner only, and removed by the next import', async () => {
    const folder = tempFolder();
    const path = join(folder, 'store.db');
    const store = await openStore({ path });
    const home = largeHome();
    const child = spawn(process.execPath, [await program(), '--db', path, 'import', home]);
    const ended = once(child, 'exit');
    while (copiesIn(folder).length === 0 && child.exitCode === null) {
      await new Promise((done) => setTimeout(done, 1));
    }
    child.kill('SIGKILL');
    await ended;
    const [name = ''] = copiesIn(folder);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(join(folder, name))) {
      expect(statSync(join(folder, name, file)).mode & 0o777).toBe(0o600);
    }
    const { checks } = await store.check();
    expect(checks.find((check) => check.name === 'leftovers')?.detail).toContain(name);
    await store.import([home]);
    expect(copiesIn(folder)).toEqual([]);
    await store.close();
  });

  it('has no name while it is read', async () => {
    const folder = tempFolder();
    const store = await openStore({ path: join(folder, 'store.db') });
    const { home } = legacyHome('--seed', '43', ...SMALL_HOME);
    const seen: string[][] = [];
    await store.import([home], { onProgress: () => void seen.push(copiesIn(folder)) });
    await store.close();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.flat()).toEqual([]);
  });

  it('that cannot be made is an error of this library', async () => {
    const { home } = legacyHome('--seed', '44', ...SMALL_HOME);
    const gone = join(tempFolder(), 'gone', 'store.db');
    await expect(copySqlite(join(home, 'state.db'), gone)).rejects.toMatchObject({
      code: 'FILE_SYSTEM',
    });
  });
});
