import { lstatSync, readdirSync, realpathSync, type Dirent } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { FileEntry, ProblemEntry, ReadHooks, SourceFile } from './home-entry.ts';
import type { IgnoreReason, LegacyKind } from './kinds.ts';
import { LARGE_RECORD_BYTES } from './parse-large-record.ts';
import { problem } from './problem.ts';
import { PIECE_BYTES } from './read-source.ts';
import type { LegacyHome } from './resolve-homes.ts';

/** What the readers of one home share. */
export class HomeReader {
  readonly home: LegacyHome;
  readonly hooks: ReadHooks;
  /** A record of more bytes is taken apart, where its kind may have long texts. */
  readonly largeBytes: number;
  /** Where its files are read to, one after the other: several homes may be read at once. */
  readonly memory = Buffer.allocUnsafeSlow(PIECE_BYTES);
  private readonly realRoot: string;
  private readonly visited = new Set<string>();
  /** Ids that came in, by kind. */
  private readonly accepted = new Map<LegacyKind, Set<string>>();
  /** Turns that were kept apart: their items are too. */
  readonly orphanTurns = new Set<string>();

  constructor(home: LegacyHome, hooks: ReadHooks) {
    this.home = home;
    this.hooks = hooks;
    this.largeBytes = hooks.largeBytes ?? LARGE_RECORD_BYTES;
    this.realRoot = realpathSync(home.root);
  }

  /** How a path is written in entries. */
  show(path: string): string {
    const inside = relative(this.home.root, path);
    const shown = inside.startsWith('..') ? path : inside;
    return sep === '/' ? shown : shown.replaceAll(sep, '/');
  }

  ids(kind: LegacyKind): Set<string> {
    let ids = this.accepted.get(kind);
    if (ids === undefined) this.accepted.set(kind, (ids = new Set()));
    return ids;
  }

  /** Whether a parent is in this home, or in the store since an earlier import. */
  has(kind: LegacyKind, id: unknown): boolean {
    return typeof id === 'string' && (this.ids(kind).has(id) || this.hooks.known(kind, id));
  }

  /**
   * Lists a directory in the order of names. One that was listed before, under whatever name, is
   * empty the second time; a link that leads out of the home is not followed.
   */
  list(directory: string, kind: LegacyKind): { entries: Dirent[]; problems: ProblemEntry[] } {
    const where = { kind, path: this.show(directory) };
    try {
      const real = realpathSync(directory);
      if (real !== this.realRoot && !real.startsWith(this.realRoot + sep)) {
        return { entries: [], problems: [problem(where, 'reject', 'symlink')] };
      }
      if (this.visited.has(real)) return { entries: [], problems: [] };
      this.visited.add(real);
      const entries = readdirSync(directory, { withFileTypes: true });
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      const garbled = entries.filter((entry) => isGarbled(directory, entry));
      if (garbled.length === 0) return { entries, problems: [] };
      const problems = garbled.map(({ name }) =>
        problem({ kind, path: this.show(join(directory, name)) }, 'reject', 'invalid_name'),
      );
      return { entries: entries.filter((entry) => !garbled.includes(entry)), problems };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && !isLink(directory)) return { entries: [], problems: [] };
      const reason = code === 'ENOTDIR' ? 'foreign_file' : 'unreadable';
      const className = code === 'ENOTDIR' ? 'ignore' : 'reject';
      return { entries: [], problems: [problem(where, className, reason)] };
    }
  }
}

/** Whether the name is not valid UTF-8: as text it is another one, under which nothing can be read. */
function isGarbled(directory: string, { name }: Dirent): boolean {
  return (
    name.includes('\ufffd') &&
    lstatSync(join(directory, name), { throwIfNoEntry: false }) === undefined
  );
}

/** A link whose target is gone counts as unreadable, not as absent. */
function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/**
 * What a name in a record directory says about its file.
 *
 * @returns `record`, a reason to ignore it, or undefined for locks, which are part of the store
 */
export function classifyName(
  entry: Dirent,
  extension: string,
): 'record' | IgnoreReason | undefined {
  const { name } = entry;
  if (entry.isDirectory()) return 'directory';
  if (name.startsWith('.tmp') || name.endsWith('.tmp') || name.endsWith('.compact')) {
    return 'temp_file';
  }
  if (name.startsWith('.') && name.endsWith('.pending')) return 'staged_task';
  if (name.endsWith('.offline_queue.json')) return 'later_format';
  if (name.endsWith(extension) && !name.startsWith('.')) return 'record';
  return name.endsWith('.lock') ? undefined : 'foreign_file';
}

/** The entry that ends a file which was not parsed again. */
export function unchangedFile(
  file: SourceFile,
  mark: { ids: string[]; records: number; ignored?: number },
): FileEntry {
  const { ids, records, ignored = 0 } = mark;
  return {
    type: 'file',
    file,
    outcome: 'unchanged',
    records,
    orphaned: 0,
    failed: 0,
    ignored,
    ids,
  };
}

/** The absolute path of an entry of a directory. */
export function entryPath(directory: string, entry: Dirent): string {
  return join(directory, entry.name);
}
