import { resolve } from 'node:path';
import { AmbiguousIdError, NotFoundError, restoreStore, type Store } from '../../index.ts';
import { bareCommand, storeCommand } from '../command.ts';
import { formatBytes, formatCount } from '../format.ts';
import { argument, flag, mandatory, value } from '../parameters.ts';
import { column, textColumn } from '../record-columns.ts';
import { parseSince } from '../time-options.ts';

export const doctor = storeCommand({
  name: 'doctor',
  summary: 'look for damage and leftovers; exit code 1 when there are any',
  details:
    'With --repair it first rebuilds the search index and file modes and drops unused blobs.',
  example: 'doctor --repair',
  access: ({ repair }) => (repair ? 'write' : 'read'),
  options: { repair: flag('rebuild what is derived from the records') },
  async run({ store, out, markFailed }, { repair }) {
    const onProgress = ({ indexed }: { indexed: number }) => {
      out.progress(`search index: ${formatCount(indexed, 'record')}`);
    };
    const result = repair ? await store.repair(onProgress) : await store.check();
    out.print(result, (paint) =>
      out.table(
        result.checks,
        [
          column('CHECK', (check) => check.name),
          column('RESULT', (check) => (check.ok ? 'ok' : 'problem')),
          textColumn('DETAIL', (check) => check.detail),
        ],
        paint,
      ),
    );
    if (!result.ok) markFailed();
  },
});

export const backup = storeCommand({
  name: 'backup',
  summary: 'write a verified, consistent copy of the store to a new file',
  details: 'Other programs may go on working meanwhile.',
  example: 'backup ~/store-2026-08-18.db',
  access: 'read',
  args: { file: argument('file', 'the copy; must not be there yet') },
  async run({ store, out }, { file }) {
    const result = await store.backup(resolve(file));
    out.print(result, () => `wrote ${result.file} (${formatBytes(result.bytes)})`);
  },
});

export const restore = bareCommand({
  name: 'restore',
  summary: 'put a backup in the place of the store',
  details:
    'The file that is replaced is kept beside it. The restored store is a new device. ' +
    'No other program may have the store open.',
  example: 'restore ~/store-2026-08-18.db',
  args: { file: argument('file', 'a copy made by "backup"') },
  async run({ out, path, storeOptions: { encryptionKey } }, { file }) {
    const result = await restoreStore(resolve(file), path, { encryptionKey });
    out.print(result, () => `restored ${result.path}`);
    if (result.replaced !== null) out.note(`what was there is kept as ${result.replaced}`);
  },
});

export const prune = storeCommand({
  name: 'prune',
  summary: 'delete archived sessions and threads and finished tasks of an age',
  details: 'They are deleted on every device and can be restored; "purge" empties one for good.',
  example: 'prune --older-than 90d --dry-run',
  access: 'write',
  options: {
    olderThan: mandatory(
      value('age', 'last updated before: 30d, 8w, a date', (text) => parseSince(text)),
    ),
    dryRun: flag('only count'),
    all: flag('those that are not archived, too'),
  },
  async run({ store, out }, { olderThan, ...options }) {
    const result = await store.prune({ before: olderThan, ...options });
    out.print(result, () =>
      [
        result.dryRun ? 'would delete' : 'deleted',
        [
          formatCount(result.sessions, 'session'),
          formatCount(result.threads, 'thread'),
          formatCount(result.runtimeThreads, 'runtime thread'),
          formatCount(result.tasks, 'task'),
        ].join(', '),
      ].join(' '),
    );
  },
});

export const purge = storeCommand({
  name: 'purge',
  summary: 'empty a session, thread, task or automation for good',
  example: 'purge 01JZ8',
  access: 'write',
  args: { id: argument('id', 'the record; it cannot be brought back') },
  async run({ store, out }, { id }) {
    const result = await store.purge(await resolveAny(store, id));
    out.print(result, () => `purged the ${result.kind} ${result.id}`);
  },
});

export const vacuum = storeCommand({
  name: 'vacuum',
  summary: 'give unused space back to the disk',
  example: 'vacuum',
  access: 'write',
  async run({ store, out }) {
    const result = await store.vacuum();
    const { bytesBefore, bytesAfter } = result;
    out.print(result, () => `${formatBytes(bytesBefore)} before, ${formatBytes(bytesAfter)} now`);
  },
});

/** The full id, of whichever kind of record that can be purged. */
async function resolveAny(store: Store, prefix: string): Promise<string> {
  const ids = new Set<string>();
  for (const kind of ['session', 'thread', 'runtimeThread', 'task', 'automation'] as const) {
    try {
      ids.add(await store.resolveId(kind, prefix));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  if (ids.has(prefix)) return prefix;
  const [id, ...others] = ids;
  if (id === undefined) throw new NotFoundError('session, thread, task or automation', prefix);
  if (others.length > 0) throw new AmbiguousIdError('record', prefix);
  return id;
}
