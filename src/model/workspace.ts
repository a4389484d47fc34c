import { createHash } from 'node:crypto';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** What a workspace is on every device: a repository by its remote, and a folder in it. */
export interface Place {
  /** `host/path`, without protocol, user, password, port and `.git`. */
  readonly remote: string;
  /** Below the root of the repository, with forward slashes; empty for the root. */
  readonly relativePath: string;
}

/** A working tree: where it begins, and the URL of its remote as its config spells it. */
export interface Repository {
  readonly root: string;
  readonly url: string;
}

const LENGTH_MAX = 2048;
const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/i;
/** `user@host:path`, with all that stands before the last `@` taken as the user. */
const SCP_FORM = /^(?:[^/]*@)?(\[[^\]/]+\]|[^:/@[\]]+):(?!:)(.+)$/;
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:[\]\\?#]+)(?::\d*)?$/i;
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The id of the row that says where `path` of a device lies. */
export function placeId(device: string, path: string): string {
  return `${device}/${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
}

/**
 * Where a path lies.
 *
 * @param device - stands for the host of a remote that is on this very machine
 * @returns undefined where the remote says nothing about where the repository comes from
 */
export function placeOf(path: string, repository: Repository, device: string): Place | undefined {
  const remote = normalizeRemote(repository.url, repository.root, device);
  if (remote === undefined) return undefined;
  const below = relative(repository.root, resolve(path));
  return { remote, relativePath: below.split(sep).join('/') };
}

/**
 * One spelling for all the ways to reach a repository: `git@Host:org/repo.git` and
 * `https://user:password@host:8443/org/repo/` are both `host/org/repo`. Users, passwords, queries
 * and ports are left out: they differ between devices, and the first three may be secrets.
 *
 * A remote on the machine itself (a path, `file:`, `localhost`) is another one on each device, so
 * that its host is the device.
 *
 * @param root - what a relative path starts from
 */
export function normalizeRemote(url: string, root: string, device: string): string | undefined {
  if (url.length > LENGTH_MAX || /[\x00-\x1f\x7f]/.test(url)) return undefined;
  const [, scheme, authority, urlPath] = URL_FORM.exec(url) ?? [];
  if (scheme !== undefined && authority !== undefined && urlPath !== undefined) {
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    if (scheme.toLowerCase() === 'file' && host === '') return join(device, urlPath);
    return atHost(host, urlPath, device);
  }
  const [, scpHost, scpPath] = SCP_FORM.exec(url) ?? [];
  if (scpHost !== undefined && scpPath !== undefined) return atHost(scpHost, scpPath, device);
  // Other forms name a program that fetches (`ext::sh -c …`).
  if (/^[^/]*:/.test(url)) return undefined;
  return join(device, isAbsolute(url) ? url : resolve(root, url));
}

function atHost(authority: string, path: string, device: string): string | undefined {
  const host = HOST.exec(authority)?.[1]?.toLowerCase();
  // An `@` within a name is what is left of a password that holds a bare slash.
  if (host === undefined || /[^/]@/.test(path)) return undefined;
  return join(LOOPBACK.test(host) ? device : host, path);
}

function join(host: string, path: string): string | undefined {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const last = names.pop()?.replace(/\.git$/, '');
  if (last !== undefined && last !== '') names.push(last);
  return names.length > 0 ? [host, ...names].join('/') : undefined;
}
