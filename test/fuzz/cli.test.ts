import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { optionFlag, type Parameter } from '../../src/cli/command.ts';
import { tree } from '../../src/cli/command-tree.ts';
import { UsageError } from '../../src/cli/failure.ts';
import { globalOptions, parseCommandLine } from '../../src/cli/program.ts';
import { setupCli } from '../cli/run-cli.ts';
import type { Random } from '../simulation/random.ts';
import { fuzz } from './fuzz.ts';
import { NUMBERS, TEXTS } from './hostile-values.ts';

/** What goes on until it is told to end, by design. */
const ENDLESS = new Set(['hub start', 'sync watch', '--follow']);

const COMMANDS = tree.flatMap(({ name = '', commands }) =>
  commands.map((command) => ({ words: [name, command.name].filter(Boolean), command })),
);
const VALUES = [
  ...TEXTS,
  ...NUMBERS.map(String),
  '7d',
  '99999999999w',
  '2026-08-01',
  '.',
  'sub/folder',
  'f'.repeat(5000),
  'all',
  'include',
  'true',
];

function valueOf(random: Random, { choices }: Parameter<unknown>): string {
  if (choices && random.chance(0.5)) return random.pick(choices);
  return random.pick(VALUES);
}

/** A command line of the program's own words, most of it where it belongs. */
function commandLine(random: Random): string[] {
  const { words, command } = random.pick(COMMANDS);
  const args = [...words];
  for (const parameter of Object.values(command.args ?? {})) {
    if (!random.chance(0.15)) args.push(valueOf(random, parameter));
  }
  const options = Object.entries({ ...globalOptions, ...command.options }).filter(
    ([name]) => name !== 'json',
  );
  for (const [name, parameter] of options) {
    const wanted = parameter.mandatory ? 0.9 : 0.2;
    if (!random.chance(wanted) || ENDLESS.has(optionFlag(name))) continue;
    const at = random.chance(0.8) ? args.length : random.below(args.length + 1);
    const value = parameter.placeholder === '' ? [] : [valueOf(random, parameter)];
    args.splice(at, 0, optionFlag(name), ...value);
  }
  if (random.chance(0.1)) args.splice(random.below(args.length + 1), 0, random.pick(VALUES));
  if (random.chance(0.1)) args.splice(random.below(args.length), 1);
  return args;
}

const isEndless = (args: readonly string[]) =>
  [...ENDLESS].some((words) => args.join(' ').includes(words));

it('any command line is understood or refused as wrong usage', async () => {
  let understood = 0;
  await fuzz('cli', 1000, (random) => {
    try {
      if (parseCommandLine(commandLine(random), tree).kind === 'run') understood++;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      expect(error.message).not.toBe('');
    }
  });
  expect(understood).toBeGreaterThan(0);
});

it('every command ends with a code of its own and one error value', async () => {
  const cli = await setupCli();
  const cwd = cli.folder;
  mkdirSync(join(cwd, 'sub'));
  writeFileSync(join(cwd, 'sub', 'folder'), 'a file');
  await cli.run('task', 'add', 'first');
  await fuzz('cli', 12, async (random) => {
    let args: string[];
    // An argument of a program cannot hold a NUL at all.
    do args = commandLine(random).map((arg) => arg.replaceAll('\0', ''));
    while (isEndless(args));
    const { code, stdout, stderr } = await cli.run('--json', ...args);
    const said = JSON.stringify({ args, code, stdout, stderr }).slice(0, 2000);
    expect([0, 1, 2, 3, 75], said).toContain(code);
    expect(stderr, said).not.toMatch(/\n {4}at |Unhandled|INTERNAL|Warning/);
    const json = !args.includes('--') || args.indexOf('--json') >= 0;
    if (code !== 0 && stderr !== '' && json) {
      const { error } = JSON.parse(stderr) as { error: Record<string, unknown> };
      expect(Object.keys(error), said).toEqual(['code', 'message', 'hint', 'retryable']);
    }
    if (code !== 0 && stderr === '') expect(stdout, said).not.toBe('');
  });
  expect(readdirSync(join(cwd, '..'))).not.toContain('escape');
});
