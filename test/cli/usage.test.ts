import { describe, expect, it } from 'vitest';
import { BusyError, ConflictError, DiskFullError, ReadOnlyError } from '../../src/index.ts';
import { tree } from '../../src/cli/command-tree.ts';
import { exitCodeOf, UsageError } from '../../src/cli/failure.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { setupCli } from './run-cli.ts';

interface Failure {
  error: { code: string; message: string; hint: string; retryable: boolean };
}

describe('the command line', () => {
  it.each([
    ['no command', []],
    ['a noun alone', ['session']],
    ['an unknown command', ['sessions']],
    ['an unknown command of a noun', ['session', 'lst']],
    ['an unknown option', ['session', 'list', '--nope']],
    ['a missing argument', ['session', 'show']],
    ['one argument too many', ['session', 'show', 'a', 'b']],
    ['a limit that is no number', ['session', 'list', '--limit', '1e2']],
    ['a limit out of bounds', ['session', 'list', '--limit', '-1']],
    ['a day that does not exist', ['session', 'list', '--since', '2026-02-30']],
    ['an order that does not exist', ['session', 'list', '--sort', 'size']],
    ['a status that does not exist', ['task', 'list', '--status', 'queued,done']],
    ['a mandatory option left out', ['prune']],
    ['a value left out', ['session', 'list', '--db']],
    ['a shell that is not known', ['completion', 'tcsh']],
    ['an address left out', ['sync', 'enable']],
    ['a store without a name', ['--db', '', 'session', 'list']],
    ['a list of no folder', ['session', 'list', '--workspace', '']],
    ['tasks of no folder', ['task', 'list', '--workspace', '']],
    ['runtime threads of no folder', ['runtime', 'threads', '--workspace', '']],
    ['threads of no folder', ['thread', 'list', '--workspace', '']],
    ['a task for no folder', ['task', 'add', 'x', '--workspace', '']],
    ['an export to nowhere', ['export', '', '--format', 'legacy', '--force']],
    ['a backup to nowhere', ['backup', '']],
    ['a restore of nothing', ['restore', '']],
    ['a hub nowhere', ['hub', 'init', '--dir', '']],
    ['a key file without a name', ['stats', '--encryption-key-file', '']],
  ])('is refused before anything is done, and says why: %s', (_what, args) => {
    for (const all of [args, ['--json', ...args]]) {
      expect(() => parseCommandLine(all, tree)).toThrow(UsageError);
    }
  });

  it.each([
    ['its words are wrong', ['session', 'list', '--limit', '1e2']],
    ['it gives no noun', []],
    ['it names a file that is not there', ['stats', '--encryption-key-file', 'none']],
  ])('ends with 2 and says why, where %s', async (_what, args) => {
    const cli = await setupCli();
    const json = await cli.run('--json', ...args);
    expect(json).toMatchObject({ code: 2, stdout: '' });
    const { error } = JSON.parse(json.stderr) as Failure;
    expect(Object.keys(error)).toEqual(['code', 'message', 'hint', 'retryable']);
    expect(error).toMatchObject({ code: 'USAGE', retryable: false });
  });

  it('suggests what was probably meant, and where to read on', async () => {
    const cli = await setupCli();
    const { code, stdout, stderr } = await cli.run('session', 'lst');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: unknown command 'lst'/);
    expect(stderr).toContain('Did you mean list?');
    expect(stderr).toContain('codewhale-store session --help');
    const option = await cli.run('session', 'list', '--titel');
    expect(option.stderr).toContain('codewhale-store session list --help');
  });

  it('explains every command with an example', async () => {
    const cli = await setupCli();
    const help = await cli.run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    const commands = ['session list', 'event list', 'prune', 'automation runs', 'sync enable'];
    for (const command of commands) {
      const { code, stdout } = await cli.run(...command.split(' '), '--help');
      expect(code).toBe(0);
      expect(stdout).toContain(`$ codewhale-store ${command}`);
      expect(stdout).toContain('--encryption-key-file');
    }
    expect(help.stdout).toMatch(/^ {2}hub/m);
  });

  it('explains the command that "help" names, whatever its noun', async () => {
    const cli = await setupCli();
    const [short, long] = await Promise.all([
      cli.run('help', 'session', 'list'),
      cli.run('session', 'list', '--help'),
    ]);
    expect(short).toEqual({ ...long, code: 0 });
    expect(await cli.json('help', 'session', 'list')).toEqual({ help: long.stdout.trimEnd() });
    expect(await cli.json('--help')).toEqual({ help: expect.stringContaining('Usage:') as string });
    for (const words of [['session', 'nosuch'], ['nosuch']]) {
      const wrong = await cli.run('help', ...words);
      expect(wrong).toMatchObject({ code: 2, stdout: '' });
      expect(wrong.stderr).toMatch(/^error: unknown command 'nosuch'/);
    }
  });

  it('says what to do where something is not there', async () => {
    const cli = await setupCli();
    const key = await cli.run('stats', '--encryption-key-file', 'none');
    expect(key.stderr).toMatch(/ENOENT.*\nGive the file/);
    expect((await cli.run('session', 'list')).stderr).toContain('sync enable URL');
    await cli.json('task', 'add', 'x');
    expect((await cli.run('task', 'show', 'nosuch')).stderr).toContain('task list');
  });

  it('takes global options before and after the command', async () => {
    const cli = await setupCli();
    const expected = { path: `${cli.folder}/other.db` };
    for (const args of [
      ['--db', 'other.db', '--json', 'path'],
      ['path', '--json', '--db', 'other.db'],
      ['--json', 'path', '--db', 'other.db'],
    ]) {
      const { stdout } = await cli.run(...args);
      expect(JSON.parse(stdout)).toEqual(expected);
    }
  });

  it('prints its version and where the store lies', async () => {
    const cli = await setupCli();
    expect((await cli.run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await cli.json('--version')).toEqual({ version: expect.any(String) as string });
    expect((await cli.run('path')).stdout).toBe(`${cli.db}\n`);
  });

  it('takes words after -- as they are', async () => {
    const cli = await setupCli();
    const task = await cli.json<{ prompt: string }>('task', 'add', '--', '--json is broken');
    expect(task.prompt).toBe('--json is broken');
  });
});

describe('exitCodeOf', () => {
  it('tells what is worth trying again from what is refused and what failed', () => {
    expect(exitCodeOf(new BusyError('locked'), false)).toBe(75);
    expect(exitCodeOf(new BusyError('locked'), true)).toBe(75);
    expect(exitCodeOf(new DiskFullError('full'), false)).toBe(75);
    expect(exitCodeOf(new ReadOnlyError('read-only'), true)).toBe(3);
    expect(exitCodeOf(new ReadOnlyError('read-only'), false)).toBe(1);
    expect(exitCodeOf(new ConflictError('taken'), false)).toBe(1);
    expect(exitCodeOf(new Error('bug'), false)).toBe(1);
  });
});
