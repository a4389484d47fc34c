import { readFileSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { remoteUrl } from '../model/git-config.ts';
import type { Repository } from '../model/workspace.ts';

/** A git config has some kilobytes. */
const CONFIG_BYTES_MAX = 1 << 20;

/**
 * The git working tree that a folder lies in, read from its files; git itself is not run.
 *
 * @returns undefined without a repository or a remote, and where anything is missing, unreadable or
 *   broken: a session can be in any folder
 */
export function findRepository(path: string): Repository | undefined {
  if (!isAbsolute(path) || !look(path)) return undefined;
  for (let root = resolve(path); ; root = dirname(root)) {
    const config = configOf(join(root, '.git'));
    if (config !== undefined) {
      const url = remoteUrl(readText(config) ?? '');
      return url === undefined ? undefined : { root, url };
    }
    if (root === dirname(root)) return undefined;
  }
}

/** Where the config of a repository lies; undefined when `dotGit` makes none. */
function configOf(dotGit: string): string | undefined {
  const stat = look(dotGit);
  if (stat?.isDirectory()) {
    const config = join(dotGit, 'config');
    return look(config) ? config : undefined;
  }
  if (!stat?.isFile()) return undefined;
  // A worktree or a submodule; worktrees share the config of the repository that they are of.
  const target = /^gitdir: *(.+)/.exec(readText(dotGit) ?? '')?.[1]?.trim();
  if (target === undefined) return undefined;
  const folder = resolve(dirname(dotGit), target);
  const common = readText(join(folder, 'commondir'))?.trim();
  return join(common === undefined ? folder : resolve(folder, common), 'config');
}

/** What stands at a path, links followed; undefined for nothing, or nothing that may be seen. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  const stat = look(file);
  // Not a pipe, which would be waited for.
  if (!stat?.isFile() || stat.size > CONFIG_BYTES_MAX) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
