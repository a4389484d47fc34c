import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { homeAt, homesAt, resolveHomes } from '../../src/legacy/resolve-homes.ts';
import { homeOf, readAll, session } from './legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';

function userHome(...dirs: string[]): string {
  const home = tempFolder();
  for (const dir of dirs) mkdirSync(join(home, dir), { recursive: true });
  return home;
}

const roots = (env: NodeJS.ProcessEnv, cwd?: string) =>
  resolveHomes(env, cwd === undefined ? {} : { cwd }).map((home) => home.root);

describe('resolveHomes', () => {
  it('takes both homes of the user, those that exist', () => {
    const HOME = userHome('.codewhale', '.deepseek');
    expect(roots({ HOME, CODEWHALE_HOME: ' ' })).toEqual([
      join(HOME, '.codewhale'),
      join(HOME, '.deepseek'),
    ]);
    expect(roots({ HOME: userHome('.deepseek') })).toHaveLength(1);
    expect(roots({ HOME: userHome() })).toEqual([]);
  });

  it('takes an explicit home alone', () => {
    const HOME = userHome('.codewhale', '.deepseek', 'mine');
    expect(roots({ HOME, CODEWHALE_HOME: '~/mine' })).toEqual([join(HOME, 'mine')]);
    expect(() => roots({ HOME, CODEWHALE_HOME: 'mine' })).toThrow(
      expect.objectContaining({ code: 'HOME_NOT_FOUND' }),
    );
  });

  it('adds directories that overrides name, each once', () => {
    const HOME = userHome('.codewhale/tasks/runtime', 'other/runtime', 'auto');
    symlinkSync(join(HOME, 'other'), join(HOME, 'again'));
    const env = {
      HOME,
      CODEWHALE_TASKS_DIR: 'other',
      DEEPSEEK_TASKS_DIR: join(HOME, 'again'),
      CODEWHALE_RUNTIME_DIR: join(HOME, '.codewhale/tasks/runtime'),
      DEEPSEEK_AUTOMATIONS_DIR: join(HOME, 'auto'),
      CODEWHALE_AUTOMATIONS_DIR: join(HOME, 'missing'),
    };
    expect(resolveHomes(env, { cwd: HOME })).toMatchObject([
      { root: join(HOME, '.codewhale') },
      { root: join(HOME, 'other'), runtimeDir: join(HOME, 'other/runtime') },
      { root: join(HOME, 'auto'), automationsDir: join(HOME, 'auto') },
    ]);
  });

  it('reads a directory once that both homes hold', async () => {
    const HOME = userHome('.codewhale', '.deepseek');
    const sessions = homeOf({ 's-1.json': JSON.stringify(session()) });
    mkdirSync(join(HOME, '.codewhale/sessions'));
    symlinkSync(join(HOME, '.codewhale/sessions'), join(HOME, '.deepseek/sessions'));
    const homes = resolveHomes({ HOME });
    expect(homes.map((home) => home.sessionsDir)).toEqual([
      join(HOME, '.codewhale/sessions'),
      undefined,
    ]);
    expect((await readAll({ ...homeAt(HOME), sessionsDir: sessions })).problems).toMatchObject([
      { reason: 'symlink' },
    ]);
  });

  it('finds artifacts below the user home although CODEWHALE_HOME lies elsewhere', async () => {
    const HOME = userHome('.codewhale/sessions/s-1/artifacts', '.codewhale/sessions/s-2/artifacts');
    const mine = homeOf({ 'sessions/s-1.json': JSON.stringify(session()) });
    for (const id of ['s-1', 's-2']) {
      symlinkSync('/', join(HOME, `.codewhale/sessions/${id}/link`));
    }
    const file = join(HOME, '.codewhale/sessions/s-1/artifacts/art_x.txt');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, 'output');
    const [home] = resolveHomes({ HOME, CODEWHALE_HOME: mine });
    const { artifacts } = await readAll(home ?? mine);
    expect(artifacts).toMatchObject([{ ownerId: 's-1', path: file, file, size: 6 }]);
  });
});

describe('homeAt', () => {
  it('refuses what is no directory', () => {
    const dir = homeOf({ file: '' });
    for (const path of ['file', 'missing']) {
      expect(() => homeAt(join(dir, path))).toThrow(
        expect.objectContaining({ code: 'HOME_NOT_FOUND' }),
      );
    }
  });
});

describe('homesAt', () => {
  it('takes each directory once, whatever names it is reached by', () => {
    const [dir, other] = [tempFolder(), tempFolder()];
    const link = join(other, 'link');
    symlinkSync(dir, link);
    const names = [dir, `${dir}/`, join(dir, 'x', '..'), link, other];
    expect(homesAt(names).map((home) => home.root)).toEqual([dir, other]);
  });
});
