import { InvalidArgumentError } from 'commander';
import type { Parameter } from './command.ts';
import { parseSince, parseUntil } from './time-options.ts';
import { fullPath } from './full-path.ts';

/** An argument that must be given. */
export function argument(name: string, summary: string): Parameter<string> {
  return { placeholder: `<${name}>`, summary };
}

/** An argument that must be one of these. */
export function choiceArgument<const T extends string>(
  name: string,
  summary: string,
  choices: readonly T[],
): Parameter<T> {
  return { placeholder: `<${name}>`, summary, choices };
}

/** An argument that may be left out. */
export function optionalArgument(name: string, summary: string): Parameter<string | undefined> {
  return { placeholder: `[${name}]`, summary };
}

/** An argument that may be left out, and else is one of these. */
export function optionalChoice<const T extends string>(
  name: string,
  summary: string,
  choices: readonly T[],
): Parameter<T | undefined> {
  return { placeholder: `[${name}]`, summary, choices };
}

/** Any number of arguments, or none unless one is required. */
export function variadicArgument(
  name: string,
  summary: string,
  required?: 'required',
): Parameter<string[]> {
  return { placeholder: required ? `<${name}...>` : `[${name}...]`, summary };
}

/** An option without a value. */
export function flag(summary: string): Parameter<boolean | undefined> {
  return { placeholder: '', summary };
}

/** An option with a value, as text unless `parse` makes something else of it. */
export function value(name: string, summary: string): Parameter<string | undefined>;
export function value<T>(
  name: string,
  summary: string,
  parse: (text: string) => T,
): Parameter<T | undefined>;
export function value(
  name: string,
  summary: string,
  parse?: (text: string) => unknown,
): Parameter<unknown> {
  return { placeholder: `<${name}>`, summary, ...(parse ? { parse } : {}) };
}

/** A file or a folder that must be given, from where the user stands. */
export function pathArgument(name: string, summary: string): Parameter<string> {
  return { placeholder: `<${name}>`, summary, parse: parsePath };
}

/** A file, from where the user stands. */
export function filePath(summary: string): Parameter<string | undefined> {
  return value('file', summary, parsePath);
}

/** Nothing at all, as of a variable that is not set, is not the folder that one stands in. */
export function parsePath(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the name of a file or a folder.');
  return fullPath(text);
}

/** An option whose value is one of these. */
export function choice<const T extends string>(
  name: string,
  summary: string,
  choices: readonly T[],
): Parameter<T | undefined> {
  return { placeholder: `<${name}>`, summary, choices };
}

/** An option that must be given. */
export function mandatory<T>(option: Parameter<T | undefined>): Parameter<T> {
  return { ...option, mandatory: true } as Parameter<T>;
}

/** An option whose value is a list of these, with commas between them. */
export function choices<const T extends string>(
  name: string,
  summary: string,
  allowed: readonly T[],
): Parameter<T[] | undefined> {
  const parse = (text: string) =>
    text.split(',').map((word) => {
      const known = allowed.find((one) => one === word.trim());
      if (known === undefined) {
        throw new InvalidArgumentError(`Allowed are ${allowed.join(', ')}.`);
      }
      return known;
    });
  return {
    placeholder: `<${name}>`,
    summary: `${summary}: ${allowed.join(', ')}`,
    choices: allowed,
    parse,
  };
}

/** A whole number in these bounds. */
export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,16}$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

/** A folder as people type it: `.` and `../x` are meant from here, anything else is as recorded. */
export function parseFolder(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the name of a folder.');
  return /^\.{1,2}([/\\]|$)/.test(text) ? fullPath(text) : text;
}

const LIMIT_MAX = 1000;

/** Options of a list that is read in pages. */
export const paging = {
  limit: value('n', 'at most so many records', parseInteger(1, LIMIT_MAX)),
  cursor: value('cursor', 'go on where an earlier page ended'),
};

/** Options of a list by time. */
export const span = {
  since: value('when', 'not before this date, time or age (7d, 12h)', (text) => parseSince(text)),
  until: value('when', 'not after this date, time or age', (text) => parseUntil(text)),
};

/** Options of a list of records that can be archived and deleted. */
export const lifecycle = {
  archived: choice('which', 'archived ones too, or nothing else', ['only', 'include']),
  deleted: flag('deleted ones, and no others'),
};

export const workspace = {
  workspace: value('dir', 'only those of this folder', parseFolder),
};
