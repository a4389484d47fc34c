import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { HomeNotFoundError } from './errors.ts';
import { fullPath } from '../model/full-path.ts';

/** A directory of legacy data and where in it each store lies; a store may not exist. */
export interface LegacyHome {
  /** Absolute. */
  root: string;
  stateDb?: string;
  sessionIndex?: string;
  sessionsDir?: string;
  tasksDir?: string;
  runtimeDir?: string;
  automationsDir?: string;
  /** In the order in which they were written. */
  auditLogs: string[];
  /** Session directories elsewhere that may hold artifacts of this home's sessions. */
  artifactDirs: string[];
}

/** What finding the homes depends on beside the environment. */
export interface ResolveOptions {
  /** Where relative overrides begin; by default the working directory. */
  cwd?: string;
  /** The user's home when the environment names none. */
  userHome?: string;
}

/**
 * A home given by its directory, in its standard layout; the environment plays no part.
 *
 * @throws `HomeNotFoundError` when it does not exist or is no directory
 */
export function homeAt(directory: string): LegacyHome {
  const root = fullPath(directory);
  const stats = look(root);
  if (stats === undefined) throw new HomeNotFoundError(root, 'does not exist');
  if (!stats.isDirectory()) throw new HomeNotFoundError(root, 'is not a directory');
  if (!isReadable(root)) throw new HomeNotFoundError(root, 'may not be read by this user');
  return {
    root,
    stateDb: join(root, 'state.db'),
    sessionIndex: join(root, 'session_index.jsonl'),
    sessionsDir: join(root, 'sessions'),
    tasksDir: join(root, 'tasks'),
    runtimeDir: join(root, 'tasks', 'runtime'),
    automationsDir: join(root, 'automations'),
    auditLogs: [join(root, 'audit.log.1'), join(root, 'audit.log')],
    artifactDirs: [],
  };
}

/** @throws `HomeNotFoundError` it cannot even be looked at: a name too long, a loop of links */
function look(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new HomeNotFoundError(path, `cannot be looked at (${code ?? 'unknown'})`);
  }
}

/**
 * Homes given by their directories, as {@link homeAt}. Each is read once, under the first of the names
 * that it is reached by.
 *
 * @throws `HomeNotFoundError` when one does not exist or is no directory
 */
export function homesAt(directories: readonly string[]): LegacyHome[] {
  const homes = new Map<string, LegacyHome>();
  for (const home of directories.map(homeAt)) {
    const real = realpathSync(home.root);
    if (!homes.has(real)) homes.set(real, home);
  }
  return [...homes.values()];
}

function isReadable(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    // That is the answer.
    return false;
  }
}

/**
 * The homes of this machine: CodeWhale's, the older DeepSeek one unless CODEWHALE_HOME keeps to
 * itself, and every directory that an override names. Each directory is read once, under whatever
 * names it is reached, and ones that do not exist are left out.
 *
 * @throws `HomeNotFoundError` when CODEWHALE_HOME is neither absolute nor below `~`
 */
export function resolveHomes(env: NodeJS.ProcessEnv, options: ResolveOptions = {}): LegacyHome[] {
  const cwd = options.cwd ?? fullPath('.');
  const userHome = userHomeOf(env, options);
  const explicit = setting(env, 'CODEWHALE_HOME');
  const standard =
    explicit === undefined
      ? [join(userHome, '.codewhale'), join(userHome, '.deepseek')]
      : [expandHome(explicit, userHome)];

  const homes: LegacyHome[] = [];
  const taken = new Set<string>();
  for (const root of standard) {
    if (!isDirectory(root) || taken.has(realpathSync(root))) continue;
    taken.add(realpathSync(root));
    homes.push(withoutTaken(homeAt(root), taken));
  }
  if (explicit !== undefined) {
    const artifactDirs = [join(userHome, '.codewhale'), join(userHome, '.deepseek')]
      .map((root) => join(root, 'sessions'))
      .filter((dir) => isDirectory(dir) && !taken.has(realpathSync(dir)));
    for (const home of homes) home.artifactDirs.push(...artifactDirs);
  }
  for (const name of ['TASKS', 'RUNTIME', 'AUTOMATIONS'] as const) {
    for (const product of ['CODEWHALE', 'DEEPSEEK']) {
      const value = setting(env, `${product}_${name}_DIR`);
      if (value === undefined) continue;
      const root = resolve(cwd, value);
      if (!isDirectory(root) || taken.has(realpathSync(root))) continue;
      homes.push(withoutTaken({ ...overrideHome(name, root) }, taken));
    }
  }
  return homes;
}

function overrideHome(name: 'TASKS' | 'RUNTIME' | 'AUTOMATIONS', root: string): LegacyHome {
  const empty = { root, auditLogs: [], artifactDirs: [] };
  switch (name) {
    case 'TASKS':
      return { ...empty, tasksDir: root, runtimeDir: join(root, 'runtime') };
    case 'RUNTIME':
      return { ...empty, runtimeDir: root };
    case 'AUTOMATIONS':
      return { ...empty, automationsDir: root };
  }
}

/** Leaves out the stores that another home holds already, and takes the rest. */
function withoutTaken(home: LegacyHome, taken: Set<string>): LegacyHome {
  const mine: string[] = [];
  for (const key of ['sessionsDir', 'tasksDir', 'runtimeDir', 'automationsDir'] as const) {
    const directory = home[key];
    if (directory === undefined || !isDirectory(directory)) continue;
    const real = realpathSync(directory);
    if (taken.has(real)) Reflect.deleteProperty(home, key);
    else mine.push(real);
  }
  for (const real of mine) taken.add(real);
  return home;
}

function userHomeOf(env: NodeJS.ProcessEnv, options: ResolveOptions): string {
  const drive = setting(env, 'HOMEDRIVE');
  const path = setting(env, 'HOMEPATH');
  return (
    setting(env, 'HOME') ??
    setting(env, 'USERPROFILE') ??
    (drive !== undefined && path !== undefined ? drive + path : undefined) ??
    options.userHome ??
    (homedir() || userInfo().homedir)
  );
}

function expandHome(path: string, userHome: string): string {
  if (path === '~') return userHome;
  if (path.startsWith('~/') || path.startsWith(`~${sep}`)) return join(userHome, path.slice(2));
  if (resolve(path) !== path && !path.startsWith(sep)) {
    throw new HomeNotFoundError(path, 'is a relative path, which CODEWHALE_HOME must not be');
  }
  return path;
}

/** Blank means unset. */
function setting(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function isDirectory(path: string): boolean {
  return look(path)?.isDirectory() === true;
}
