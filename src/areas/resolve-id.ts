import { AmbiguousIdError, NotFoundError } from '../errors.ts';
import type { Reader } from '../db/reader.ts';

const TABLES = {
  session: 'sessions',
  thread: 'threads',
  runtimeThread: 'runtime_threads',
  turn: 'runtime_turns',
  item: 'runtime_items',
  task: 'tasks',
  automation: 'automations',
  job: 'jobs',
} as const;

const PURGEABLE: ReadonlySet<string> = new Set([
  'session',
  'thread',
  'runtimeThread',
  'task',
  'automation',
]);

/** Which command lists them. */
const LISTS: Record<keyof typeof TABLES, string> = {
  session: 'session list',
  thread: 'thread list',
  runtimeThread: 'runtime threads',
  turn: 'runtime turns THREAD',
  item: 'runtime items TURN',
  task: 'task list',
  automation: 'automation list',
  job: 'job list',
};

export type IdKind = keyof typeof TABLES;
export const ID_KINDS = Object.keys(TABLES) as IdKind[];

/**
 * The full id for an id or the beginning of one.
 *
 * @throws `NotFoundError` none begins like this
 * @throws `AmbiguousIdError` more than one does, and none is equal to it
 */
export function resolveId(reader: Reader, kind: IdKind, prefix: string): string {
  const begin = (condition: string) =>
    reader.list<{ id: string }>(
      ['id'],
      `from ${TABLES[kind]} where id >= ?1 and id < ?2 and ${condition} order by id limit 2`,
      [prefix, `${prefix}\u{10ffff}`],
    );
  // Of what was purged only the id is left: it makes the beginning of another one no less clear.
  const shown = PURGEABLE.has(kind) ? begin('(purged_at is null or id = ?1)') : [];
  const [first, second] = shown.length > 0 ? shown : begin('true');
  const word = kind === 'runtimeThread' ? 'runtime thread' : kind;
  if (!first || prefix === '') {
    throw new NotFoundError(word, prefix, { hint: `"codewhale-store ${LISTS[kind]}" lists them.` });
  }
  if (second && first.id !== prefix) throw new AmbiguousIdError(word, prefix);
  return first.id;
}
