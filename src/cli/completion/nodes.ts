import { optionFlag, type Group, type Parameters } from '../command.ts';
import { globalOptions } from '../program.ts';

export interface CompletionWord {
  readonly word: string;
  readonly summary: string;
}

export interface CompletionOption extends CompletionWord {
  readonly takesValue: boolean;
  /** Known values; none where a file or anything else may follow. */
  readonly choices: readonly string[];
}

/** A place in the command line: the program, a noun, or a command. */
export interface CompletionNode {
  /** The words that lead here, after the program. */
  readonly words: readonly string[];
  /** Nouns and commands that may follow, or values of an argument. */
  readonly next: readonly CompletionWord[];
  /** Beside those that may stand anywhere. */
  readonly options: readonly CompletionOption[];
}

/** Options that may stand anywhere. */
export const anywhere: readonly CompletionOption[] = [
  ...toOptions(globalOptions),
  { word: '--help', summary: 'explain the program or a command', takesValue: false, choices: [] },
];

/** The command tree as places, the program first. */
export function completionNodes(tree: readonly Group[]): CompletionNode[] {
  const version = {
    word: '--version',
    summary: 'print the version',
    takesValue: false,
    choices: [],
  };
  const next = tree.flatMap((group) =>
    group.name === undefined
      ? group.commands.map(toWord)
      : [{ word: group.name, summary: group.summary ?? '' }],
  );
  return [{ words: [], next, options: [version] }, ...tree.flatMap(groupNodes)];
}

function groupNodes({ name, commands }: Group): CompletionNode[] {
  const prefix = name === undefined ? [] : [name];
  const nodes = commands.map(({ name: command, args = {}, options = {} }) => ({
    words: [...prefix, command],
    next: Object.values(args).flatMap(({ choices = [], summary }) =>
      choices.map((word) => ({ word, summary })),
    ),
    options: toOptions(options),
  }));
  return name === undefined
    ? nodes
    : [{ words: prefix, next: commands.map(toWord), options: [] }, ...nodes];
}

/** Every option that is followed by a value. */
export function optionsWithValue(nodes: readonly CompletionNode[]): string[] {
  const options = [...anywhere, ...nodes.flatMap((node) => node.options)];
  return [...new Set(options.filter((one) => one.takesValue).map((one) => one.word))];
}

function toWord({ name, summary }: { name: string; summary: string }): CompletionWord {
  return { word: name, summary };
}

function toOptions(options: Parameters): CompletionOption[] {
  return Object.entries(options).map(([name, { summary, placeholder, choices = [] }]) => ({
    word: optionFlag(name),
    summary,
    takesValue: placeholder !== '',
    choices,
  }));
}
