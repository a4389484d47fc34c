import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { tree } from '../../src/cli/command-tree.ts';
import { setupCli } from './run-cli.ts';

/** What bash offers for a command line, the last word being the one to complete. */
function complete(script: string, ...words: string[]): string[] {
  const ask = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _codewhale_store; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['-c', ask, 'bash', 'codewhale-store', ...words];
  const printed = execFileSync('bash', args, { encoding: 'utf8' }).trim();
  return printed === '' ? [] : printed.split('\n');
}

describe('completion', () => {
  it('is a script that bash accepts, with every command in it', async () => {
    const cli = await setupCli();
    const { script } = await cli.json<{ script: string }>('completion', 'bash');
    execFileSync('bash', ['-n'], { input: script });
    for (const { name, commands } of tree) {
      const noun = name === undefined ? [] : [name];
      const offered = complete(script, ...noun, '');
      expect(offered).toEqual(expect.arrayContaining(commands.map((command) => command.name)));
    }
    expect(complete(script, 's')).toEqual(['session', 'sync', 'search', 'stats']);
    expect(complete(script, 'session', 'list', '--so')).toEqual(['--sort']);
    expect(complete(script, '--db', 'x', 'session', 'list', '--sort', 'cr')).toEqual(['created']);
    expect(complete(script, 'task', 'add', '--d')).toEqual(['--db']);
    expect(complete(script, 'completion', 'z')).toEqual(['zsh']);
    // Names of files are for bash to offer.
    expect(complete(script, '--db', '')).toEqual([]);
    expect(complete(script, 'import', '')).toEqual([]);
  });

  it('knows the same commands and options in every shell', async () => {
    const cli = await setupCli();
    const zsh = await cli.run('completion', 'zsh');
    const fish = await cli.run('completion', 'fish');
    expect(zsh.stdout).toMatch(/^#compdef codewhale-store\n/);
    for (const { commands } of tree) {
      for (const { name } of commands) {
        expect(zsh.stdout).toContain(name);
        expect(fish.stdout).toContain(` -a ${name} `);
      }
    }
    expect(fish.stdout).toContain("-l sort -x -a 'updated created title messages'");
    // Quotes in a summary must not end the fish string.
    for (const line of fish.stdout.split('\n').filter((one) => one.startsWith('complete '))) {
      expect(line.replaceAll("\\'", '').split("'").length % 2).toBe(1);
    }
  });
});
