import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { setupCli } from './run-cli.ts';

/** Generous: who reads a pipe that nobody writes to hangs for ever. */
const DEADLINE_MS = 60_000;

// Refused by the key file before anybody is asked.
const enable = ['sync', 'enable', 'http://127.0.0.1:1'];

it.each([
  ['the key of the store', 2, ['task', 'list', '--encryption-key-file', 'pipe']],
  ['the key of the group', 2, [...enable, '--key-file', 'pipe']],
  ['a passphrase', 2, [...enable, '--passphrase-file', 'pipe']],
  ['a token', 1, [...enable, '--token-file', 'pipe']],
  ['the store', 3, ['task', 'list', '--db', 'pipe']],
  ['a backup', 3, ['restore', 'pipe']],
  ['a home', 1, ['import', 'pipe']],
  ['the files of a home', 0, ['import', 'home']],
])(
  'a named pipe in the place of %s is not waited for',
  async (_what, code, args) => {
    const cli = await setupCli();
    const home = join(cli.folder, 'home');
    const files = ['state.db', 'session_index.jsonl', 'audit.log', 'sessions/a.json'];
    const pipes = [...files, 'tasks/queue.json', 'tasks/tasks/a.json', 'automations/a.json'];
    for (const pipe of [join(cli.folder, 'pipe'), ...pipes.map((name) => join(home, name))]) {
      mkdirSync(dirname(pipe), { recursive: true });
      execFileSync('mkfifo', [pipe]);
    }
    const child = cli.start('--json', ...args);
    for (const stream of [child.stdout, child.stderr]) stream.resume();
    expect(await once(child, 'exit')).toEqual([code, null]);
  },
  DEADLINE_MS,
);
