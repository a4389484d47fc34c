import { Argument, Command as Commander, CommanderError, Option } from 'commander';
import {
  optionFlag,
  type Command,
  type Group,
  type Parameter,
  type Parameters,
} from './command.ts';
import { UsageError } from './failure.ts';
import { parsePath } from './parameters.ts';

export const PROGRAM = 'codewhale-store';

/** Options that stand before or after the command. */
export const globalOptions: Readonly<Record<keyof Settings, Parameter<unknown>>> = {
  db: {
    placeholder: '<file>',
    summary: 'the store file (see the command "path")',
    parse: parsePath,
  },
  json: { placeholder: '', summary: 'print one JSON value' },
  quiet: { placeholder: '', summary: 'no notes and no progress' },
  encryptionKeyFile: {
    placeholder: '<file>',
    summary: 'the file with the key of an encrypted store',
    parse: parsePath,
  },
};

export interface Settings {
  readonly db?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly encryptionKeyFile?: string;
}

export type Parsed =
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly input: object;
      readonly settings: Settings;
    }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' };

const NOTES = `
Ids may be shortened as long as they are unique. Times are dates (a day of the local zone), times
(2026-08-18T09:15:02Z) or ages (30m, 12h, 7d, 2w). What begins with a dash and is no option goes
after "--".

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 store refused (missing, damaged, newer schema),
75 worth trying again, 130 and 143 ended by Ctrl-C and SIGTERM.

Start here:
  $ ${PROGRAM} import          take over what the old stores of this machine hold
  $ ${PROGRAM} session list
  $ ${PROGRAM} search "race condition"
`;

/**
 * What the command line asks for.
 *
 * @param args - without the program itself
 * @throws `UsageError`
 */
export function parseCommandLine(args: readonly string[], tree: readonly Group[]): Parsed {
  const printed: string[] = [];
  let parsed: Parsed | undefined;
  const program = buildProgram(
    tree,
    (text) => printed.push(text),
    (command, input) => {
      parsed = { kind: 'run', command, input, settings: program.opts<Settings>() };
    },
  );
  try {
    program.parse(helpLast(args, tree), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { kind: 'version' };
    if (error.exitCode === 0) return { kind: 'help', text: printed.join('') };
    throw usageError(error, placeOf(args, tree), printed.join(''));
  }
  if (parsed === undefined) throw new Error('commander neither ran a command nor refused');
  return parsed;
}

/**
 * `help session list` as `session list --help`: commander itself takes one word, and explains the noun where
 * it has no such command.
 *
 * @throws `UsageError` there is no such command
 */
function helpLast(args: readonly string[], tree: readonly Group[]): readonly string[] {
  const first = args.findIndex((word) => word !== '--json' && word !== '--quiet');
  if (args[first] !== 'help') return args;
  const rest = args.toSpliced(first, 1);
  const [noun, verb] = rest.filter((word) => !word.startsWith('-'));
  const group = tree.find(({ name }) => name !== undefined && name === noun);
  const known = group?.commands ?? tree.flatMap((each) => (each.name ? [] : each.commands));
  const word = group ? verb : noun;
  if (word !== undefined && !known.some(({ name }) => name === word)) {
    const place = group?.name === undefined ? PROGRAM : `${PROGRAM} ${group.name}`;
    throw new UsageError(`unknown command '${word}'`, `See "${place} --help".`);
  }
  return [...rest, '--help'];
}

function usageError(error: CommanderError, place: string, printed: string): UsageError {
  const hint = `See "${place} --help".`;
  // Without a command, commander prints the help of the noun instead of an error.
  if (error.code === 'commander.help') {
    return new UsageError('a command is missing', hint, printed.trimEnd());
  }
  return new UsageError(error.message.replace(/^error: /, ''), hint);
}

/** The program with the noun and the command that were meant, as far as they exist. */
function placeOf(args: readonly string[], tree: readonly Group[]): string {
  const groupOf = (word: string) => tree.find((group) => group.name === word);
  const named = (commands: readonly Command[], word: string) =>
    commands.some((command) => command.name === word);
  const single = tree.filter((group) => group.name === undefined);
  for (const [i, word] of args.entries()) {
    const commands = groupOf(word)?.commands;
    if (commands) {
      const command = args.slice(i + 1).find((next) => named(commands, next));
      return [PROGRAM, word, ...(command === undefined ? [] : [command])].join(' ');
    }
    if (single.some((group) => named(group.commands, word))) return `${PROGRAM} ${word}`;
  }
  return PROGRAM;
}

type Select = (command: Command, input: object) => void;

function buildProgram(
  tree: readonly Group[],
  print: (text: string) => void,
  select: Select,
): Commander {
  const program = new Commander(PROGRAM)
    .description('Everything CodeWhale remembers, in one local file.')
    .version('', '--version', 'print the version')
    .helpOption('-h, --help', 'explain the program or a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: print, writeErr: print, outputError: () => undefined })
    .helpCommand('help [command]', 'explain a command')
    .exitOverride()
    .addHelpText('after', NOTES);
  for (const [name, option] of Object.entries(globalOptions))
    program.addOption(toOption(name, option));
  for (const group of tree) {
    const parent =
      group.name === undefined
        ? program
        : program
            .command(group.name)
            .description(group.summary ?? '')
            .helpCommand(false);
    for (const command of group.commands) addCommand(parent, command, select);
  }
  return program;
}

function addCommand(parent: Commander, command: Command, select: Select): void {
  const { name, summary, details, example, args = {}, options = {} } = command;
  const built = parent.command(name).summary(summary);
  built.description(details === undefined ? summary : `${summary}\n\n${details}`);
  for (const [argName, argument] of Object.entries(args)) {
    built.addArgument(toArgument(argument, argName));
  }
  for (const [optionName, option] of Object.entries(options)) {
    built.addOption(toOption(optionName, option));
  }
  built.addHelpText('after', `\nExample:\n  $ ${PROGRAM} ${example}\n`);
  built.action(() => {
    const names = Object.keys(args);
    const given = built.processedArgs.map((word: unknown, i) => [names[i] ?? '', word] as const);
    select(command, { ...Object.fromEntries(given), ...optionValues(built, options) });
  });
}

/** By the names that they were declared under: commander turns `--no-x` into an `x` that is false. */
function optionValues(built: Commander, options: Parameters): Record<string, unknown> {
  const given = built.opts<Record<string, unknown>>();
  const values = Object.keys(options).map((name) => {
    const negated = /^no[A-Z]/.test(name);
    const attribute = negated ? name.charAt(2).toLowerCase() + name.slice(3) : name;
    return [name, negated ? given[attribute] === false : given[attribute]] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function toArgument(parameter: Parameter<unknown>, name: string): Argument {
  const argument = new Argument(parameter.placeholder, parameter.summary);
  if (parameter.parse) argument.argParser(parameter.parse);
  else if (parameter.choices) argument.choices(parameter.choices);
  if (argument.name() === '') throw new Error(`the argument ${name} has no placeholder`);
  return argument;
}

function toOption(name: string, parameter: Parameter<unknown>): Option {
  const option = new Option(
    `${optionFlag(name)} ${parameter.placeholder}`.trim(),
    parameter.summary,
  );
  if (parameter.parse) option.argParser(parameter.parse);
  else if (parameter.choices) option.choices(parameter.choices);
  if (parameter.mandatory) option.makeOptionMandatory();
  return option;
}
