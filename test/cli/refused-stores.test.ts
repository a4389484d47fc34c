import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { setupCli, type Cli, type Finished } from './run-cli.ts';

function codeOf({ stderr }: Finished): string {
  return (JSON.parse(stderr) as { error: { code: string } }).error.code;
}

async function setupStore(): Promise<Cli> {
  const cli = await setupCli();
  await cli.json('task', 'add', 'first');
  return cli;
}

describe('a store that is refused', () => {
  it('is not made by a command that only reads or changes', async () => {
    const cli = await setupCli();
    for (const args of [
      ['session', 'list'],
      ['session', 'rename', 'a', 'b'],
      ['stats'],
      ['doctor', '--repair'],
      ['backup', 'copy.db'],
      ['vacuum'],
    ]) {
      const finished = await cli.run('--json', ...args);
      expect(finished).toMatchObject({ code: 3, stdout: '' });
      expect(codeOf(finished)).toBe('STORE_PATH');
      expect(finished.stderr).toContain('codewhale-store import');
    }
    expect(() => readFileSync(cli.db)).toThrow('ENOENT');
  });

  it('is a text file, which stays as it is', async () => {
    const cli = await setupCli();
    const file = join(cli.folder, 'notes.txt');
    const text = 'not a database\n'.repeat(500);
    writeFileSync(file, text);
    for (const args of [
      ['session', 'list'],
      ['task', 'add', 'x'],
      ['import', cli.folder],
    ]) {
      const finished = await cli.run('--json', '--db', file, ...args);
      expect(finished).toMatchObject({ code: 3, stdout: '' });
      expect(codeOf(finished)).toBe('STORE_DAMAGED');
      // There is nothing to repair.
      expect(finished.stderr).toContain('not a store of codewhale-store');
      expect(finished.stderr).toContain('import HOME');
      expect(finished.stderr).not.toContain('doctor --repair');
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('is a text, or the database of another program, which no backup replaces', async () => {
    const cli = await setupStore();
    await cli.json('backup', 'copy.db');
    const diary = join(cli.folder, 'diary.txt');
    writeFileSync(diary, 'what I did today, 数据库\n'.repeat(1000));
    const other = join(cli.folder, 'state.db');
    const driver = new Database(other);
    driver.exec('create table threads (id text)');
    driver.close();
    for (const file of [diary, other]) {
      const before = readFileSync(file);
      const finished = await cli.run('--json', '--db', file, 'restore', 'copy.db');
      expect(finished).toMatchObject({ code: 3, stdout: '' });
      expect(finished.stderr).toContain('was never a store');
      expect(readFileSync(file)).toEqual(before);
    }
    const opened = await cli.run('--json', '--db', other, 'task', 'list');
    expect(opened.stderr).toContain('import HOME');
    expect(opened.stderr).not.toContain('doctor --repair');
  });

  it('is a folder, or a symbolic link', async () => {
    const cli = await setupStore();
    const link = join(cli.folder, 'link.db');
    symlinkSync(cli.db, link);
    const dangling = join(cli.folder, 'dangling.db');
    symlinkSync(join(cli.folder, 'nothing'), dangling);
    for (const path of [dirname(cli.db), link, dangling]) {
      for (const args of [
        ['task', 'list'],
        ['task', 'add', 'x'],
        ['import', '--dry-run', cli.folder],
      ]) {
        const finished = await cli.run('--json', '--db', path, ...args);
        expect(finished).toMatchObject({ code: 3, stdout: '' });
        expect(codeOf(finished)).toBe('STORE_PATH');
      }
    }
  });

  it('is of a newer version, for a command that writes', async () => {
    const cli = await setupStore();
    const database = new Database(cli.db);
    database.exec('pragma user_version = 99');
    database.close();
    const finished = await cli.run('--json', 'task', 'add', 'second');
    expect(finished).toMatchObject({ code: 3, stdout: '' });
    expect(codeOf(finished)).toBe('NEWER_SCHEMA');
    const { items } = await cli.json<{ items: unknown[] }>('task', 'list');
    expect(items).toHaveLength(1);
  });

  it('is encrypted with another key', async () => {
    const cli = await setupCli();
    const key = join(cli.folder, 'key');
    writeFileSync(key, 'correct horse battery staple\n');
    mkdirSync(dirname(cli.db), { recursive: true });
    const store = await openStore({ path: cli.db, encryptionKey: 'correct horse battery staple' });
    await store.close();
    const listed = () => cli.run('task', 'list', '--quiet', '--encryption-key-file', key);
    chmodSync(key, 0o640);
    expect((await listed()).stderr).toMatch(/^warning: others .* can use the key file .*chmod 600/);
    chmodSync(key, 0o600);
    expect(await listed()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await cli.json('task', 'list', '--encryption-key-file', key)).toEqual({
      items: [],
      nextCursor: null,
    });
    expect(codeOf(await cli.run('--json', 'task', 'list'))).toBe('STORE_DAMAGED');
    const finished = await cli.run('task', 'add', 'x');
    expect(finished.code).toBe(3);
    expect(finished.stderr).not.toContain('battery');
  });
});
