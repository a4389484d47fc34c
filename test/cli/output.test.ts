import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/cli/display-width.ts';
import { openStore } from '../../src/index.ts';
import { setupCli, type Cli } from './run-cli.ts';

const run = promisify(execFile);
const TITLES = [
  'plain',
  '加载器为什么慢',
  'épée e\u0301 🐳👩‍💻',
  'line\nbreak \u001b[31mred\u0007 \u202eturned',
];

async function setupTitles(count = 1): Promise<Cli> {
  const cli = await setupCli();
  const store = await openStore({ path: cli.db });
  for (let i = 0; i < count; i++) {
    for (const title of TITLES) {
      await store.tasks.create({ prompt: title, workspace: '/w' });
    }
  }
  await store.close();
  return cli;
}

describe('the output', () => {
  it('lines columns up by their width on a screen', async () => {
    const cli = await setupTitles();
    const { stdout } = await cli.run('task', 'list');
    const lines = stdout.trimEnd().split('\n');
    const [header = '', ...rows] = lines;
    const at = displayWidth(header.slice(0, header.indexOf('WORKSPACE')));
    expect(rows).toHaveLength(TITLES.length);
    for (const row of rows) expect(displayWidth(row.slice(0, row.lastIndexOf('/w')))).toBe(at);
  });

  it('has no control characters of stored text in it', async () => {
    const cli = await setupTitles();
    const list = await cli.run('task', 'list');
    const { items } = await cli.json<{ items: { id: string; prompt: string }[] }>('task', 'list');
    const id = items.find(({ prompt }) => prompt.includes('\u001b'))?.id ?? '';
    const show = await cli.run('task', 'show', id);
    for (const { stdout } of [list, show]) {
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    }
  });

  it('is coloured on a terminal only, and not with NO_COLOR', async () => {
    const cli = await setupTitles();
    // `script` runs a command on a terminal of its own.
    const onTerminal = async (env: NodeJS.ProcessEnv) => {
      const command = cli.shellCommand('task', 'list');
      const { stdout } = await run('script', ['-qec', command, '/dev/null'], {
        env: { ...cli.env, TERM: 'xterm', ...env },
      });
      return stdout;
    };
    expect(await onTerminal({})).toContain('\u001b[1mID');
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b');
    expect((await cli.run('task', 'list')).stdout).not.toContain('\u001b');
  });

  it('ends quietly when nobody reads on', async () => {
    const cli = await setupTitles(50);
    const list = cli.shellCommand('task', 'list', '--limit', '200', '--json');
    const script = `for i in 1 2 3; do ${list} | true; echo "\${PIPESTATUS[0]}"; done`;
    const { stdout, stderr } = await run('bash', ['-c', script], { env: cli.env });
    expect(stderr).toBe('');
    expect(stdout).toBe('0\n0\n0\n');
  });

  it('fails when the disk takes no more of it', async () => {
    const cli = await setupTitles();
    const script = `${cli.shellCommand('task', 'list')} > /dev/full; echo $?`;
    const { stdout, stderr } = await run('bash', ['-c', script], { env: cli.env });
    expect(stdout).toBe('1\n');
    expect(stderr).toContain('error: the output cannot be written (ENOSPC)\nSend the output');
    const told = `${cli.shellCommand('--json', 'task', 'list')} > /dev/full; echo $?`;
    expect(JSON.parse((await run('bash', ['-c', told], { env: cli.env })).stderr)).toMatchObject({
      error: { code: 'OUTPUT', retryable: false },
    });
    const wrong = `${cli.shellCommand('--json', 'task', 'lst')} > /dev/full; echo $?`;
    const refused = await run('bash', ['-c', wrong], { env: cli.env });
    expect(refused.stdout).toBe('2\n');
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('keeps notes off standard output, and leaves them out with --quiet and --json', async () => {
    const cli = await setupTitles();
    const noted = await cli.run('task', 'list', '--limit', '1');
    expect(noted.stderr).toMatch(/^more with --cursor /);
    expect(noted.stdout).not.toContain('--cursor');
    expect((await cli.run('task', 'list', '--limit', '1', '--quiet')).stderr).toBe('');
    expect((await cli.run('task', 'list', '--limit', '1', '--json')).stderr).toBe('');
    const none = await cli.run('session', 'list');
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'nothing found\n' });
  });
});
