import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import type { ExportReport, ImportReport, RestoreResult, Stats } from '../../src/index.ts';
import { makeHome, SMALL_HOME } from '../support/legacy-home.ts';
import { setupCli, type Cli } from './run-cli.ts';

function homeOf(cli: Cli, ...options: string[]): string {
  const home = join(cli.folder, 'old');
  expect(makeHome(home, '--seed', '7', ...SMALL_HOME, '--sessions', '3', ...options)).toBe(true);
  return home;
}

describe('import', () => {
  it('says where it looked when there was nothing', async () => {
    const cli = await setupCli();
    const empty = join(cli.folder, 'empty');
    mkdirSync(empty);
    const told = await cli.run('import', empty);
    expect(told.code).toBe(0);
    expect(told.stderr).toBe(`nothing to import was found in ${empty}\n`);
  });

  it('counts, lists what it set aside, and says where to go on', async () => {
    const cli = await setupCli();
    const home = homeOf(cli, '--faults');
    const told = await cli.run('import', home);
    expect(told.code).toBe(0);
    expect(told.stdout).toContain(`from ${home}`);
    expect(told.stdout).toMatch(/^KIND +FOUND +IMPORTED/m);
    expect(told.stdout).toMatch(/^not imported: truncated_json \(\d+\)$/m);
    expect(told.stderr).toBe(
      'next: codewhale-store session list, or codewhale-store search WORDS\n',
    );

    const again = await cli.json<ImportReport>('import', home);
    expect(again.homes).toEqual([home]);
    expect(again.totals.imported).toBe(0);
    expect(again.totals.unchanged).toBeGreaterThan(0);
  });

  it('writes nothing on a dry run, not even a store', async () => {
    const cli = await setupCli();
    const home = homeOf(cli);
    const report = await cli.json<ImportReport>('import', home, '--dry-run');
    expect(report.totals.imported).toBeGreaterThan(0);
    expect(existsSync(join(cli.folder, 'store'))).toBe(false);
  });

  it('takes the homes of this machine unless told otherwise', async () => {
    const cli = await setupCli();
    const home = homeOf(cli);
    const report = await cli.runWith({ CODEWHALE_HOME: home }, 'import', '--json');
    expect((JSON.parse(report.stdout) as ImportReport).homes).toEqual([home]);
  });

  it('fails for a home that does not exist', async () => {
    const cli = await setupCli();
    const failed = await cli.run('import', 'nowhere', '--json');
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'HOME_NOT_FOUND' } });
  });
});

describe('export', () => {
  it('writes a home that imports again, and never over what is there unless told to', async () => {
    const cli = await setupCli();
    await cli.json('import', homeOf(cli));
    const target = join(cli.folder, 'out');
    const report = await cli.json<ExportReport>('export', target, '--format', 'legacy');
    expect(report).toMatchObject({ format: 'legacy', dir: target });
    expect(report.byKind['sessions']).toBe(3);

    const other = await cli.json<ImportReport>('--db', 'other.db', 'import', target);
    expect(other.totals.failed).toBe(0);
    expect(other.byKind['sessions']?.imported).toBe(3);

    const refused = await cli.run('export', target, '--format', 'jsonl');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--force');
    await cli.json('export', target, '--format', 'jsonl', '--force');
  });

  it('writes one session as a transcript', async () => {
    const cli = await setupCli();
    await cli.json('import', homeOf(cli));
    const { items } = await cli.json<{ items: { id: string }[] }>(
      'session',
      'list',
      '--limit',
      '1',
    );
    const session = (items[0]?.id ?? '').slice(0, 12);
    const told = await cli.run('export', 'out', '--format', 'markdown', '--session', session);
    expect(told.code).toBe(0);
    expect(told.stdout).toContain(`to ${join(cli.folder, 'out')}`);
    expect(readdirSync(join(cli.folder, 'out'), { recursive: true }).length).toBeGreaterThan(0);
    const unknown = ['export', 'no', '--format', 'markdown', '--session', 'nope'];
    expect((await cli.run(...unknown)).code).toBe(1);
    expect(existsSync(join(cli.folder, 'no'))).toBe(false);
  });
});

describe('upkeep', () => {
  it('backs up and restores, and keeps what was there', async () => {
    const cli = await setupCli();
    await cli.json('task', 'add', 'before');
    const copy = join(cli.folder, 'copy.db');
    expect(await cli.json('backup', copy)).toMatchObject({ file: copy });
    expect((await cli.run('backup', copy)).code).toBe(1);
    await cli.json('task', 'add', 'after');
    const { deviceId } = await cli.json<Stats>('stats');
    const restored = await cli.json<RestoreResult>('restore', copy);
    expect(restored.path).toBe(cli.db);
    expect(restored.deviceId).not.toBe(deviceId);
    expect(existsSync(restored.replaced ?? '')).toBe(true);
    const { items } = await cli.json<{ items: { prompt: string }[] }>('task', 'list');
    expect(items.map((task) => task.prompt)).toEqual(['before']);
    expect((await cli.run('restore', 'none.db')).code).toBe(3);
    writeFileSync(join(cli.folder, 'notes.txt'), 'no store '.repeat(1000));
    const other = new Database(join(cli.folder, 'other.db'));
    other.exec('create table t (a)');
    other.close();
    for (const file of ['notes.txt', 'other.db']) {
      const refused = await cli.run('--json', 'restore', file);
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      const { error } = JSON.parse(refused.stderr) as { error: Record<string, string> };
      expect(error).toMatchObject({
        code: 'STORE_DAMAGED',
        message: expect.stringContaining(`${file} is not a backup`) as string,
        hint: expect.stringContaining('codewhale-store backup') as string,
      });
      expect(error['hint']).not.toContain('--repair');
    }
  });

  it('finds what is wrong, says so with 1, and repairs it', async () => {
    const cli = await setupCli();
    await cli.json('task', 'add', 'find me');
    expect(await cli.json('doctor')).toMatchObject({ ok: true });
    const database = new Database(cli.db);
    database.exec('delete from search_docs');
    database.close();
    const sick = await cli.run('doctor', '--json');
    expect(sick).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(sick.stdout)).toMatchObject({ ok: false });
    expect((await cli.run('doctor')).stdout).toMatch(/^search index +problem/m);
    expect(await cli.json('doctor', '--repair')).toMatchObject({ ok: true });
    expect((await cli.run('search', 'find')).stdout).toContain('‹find› me');
  });

  it('counts what prune would delete, deletes it, and gives space back', async () => {
    const cli = await setupCli();
    const { id } = await cli.json<{ id: string }>('task', 'add', 'old');
    await cli.json('task', 'cancel', id);
    expect(await cli.json('prune', '--older-than', '1h')).toMatchObject({ tasks: 0 });
    const dry = await cli.run('prune', '--older-than', '0s', '--dry-run');
    expect(dry.stdout).toContain('would delete 0 sessions, 0 threads, 0 runtime threads, 1 task');
    expect(await cli.json('prune', '--older-than', '0s')).toMatchObject({
      tasks: 1,
      dryRun: false,
    });
    expect(await cli.json('task', 'list')).toEqual({ items: [], nextCursor: null });
    expect(await cli.json('vacuum')).toHaveProperty('bytesAfter');
  });

  it('says that a file cannot be written', async () => {
    const cli = await setupCli();
    await cli.json('task', 'add', 'x');
    writeFileSync(join(cli.folder, 'file'), '');
    mkdirSync(join(cli.folder, 'folder'));
    for (const target of ['file', 'folder', 'file/below.db']) {
      const failed = await cli.run('backup', target, '--json');
      expect(failed.code).not.toBe(0);
      expect(JSON.parse(failed.stderr)).toHaveProperty('error.message');
    }
  });
});
