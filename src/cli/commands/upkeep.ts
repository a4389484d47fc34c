import { existsSync } from 'node:fs';
import {
  AmbiguousIdError,
  DamagedStoreError,
  NotFoundError,
  rebuildStore,
  restoreStore,
  type CheckResult,
  type RebuildResult,
  type Store,
} from '../../index.ts';
import { bareCommand, storeCommand, type BareContext } from '../command.ts';
import { formatBytes, formatCount } from '../format.ts';
import { argument, flag, mandatory, pathArgument, value } from '../parameters.ts';
import { column, textColumn } from '../record-columns.ts';
import { parseSince } from '../time-options.ts';

export const doctor = bareCommand({
  name: 'doctor',
  holdsThread: true,
  summary: 'look for damage and leftovers; exit code 1 when there are any',
  details:
    'With --repair it first rebuilds the search index and file modes and drops unused blobs. Of a ' +
    'damaged store it makes a new one of what can be read, and keeps the damaged file beside it; no ' +
    'other program may have the store open then. A leftover that was written in the last ten minutes ' +
    'is named and no problem yet: a backup, restore or repair may be under way.',
  example: 'doctor --repair',
  options: { repair: flag('rebuild what is derived from the records, or a damaged store') },
  async run(context, { repair }) {
    const { out } = context;
    const result = repair ? await mend(context) : await (await context.open('read')).check();
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
    if (!result.ok) context.markFailed();
  },
});

/** Checks that only a new store puts right. */
const DAMAGE = ['integrity', 'blobs', 'contents'];

async function mend(context: BareContext): Promise<CheckResult & { rebuilt?: RebuildResult }> {
  const result = await repair(context);
  if (result?.checks.every(({ name, ok }) => ok || !DAMAGE.includes(name))) return result;
  const rebuilt = await rebuild(context);
  return { ...(await (await context.open('write')).check()), rebuilt };
}

/** Rebuilds what is derived; undefined where the store is damaged, which is then as it was. */
async function repair({ open, out, path }: BareContext): Promise<CheckResult | undefined> {
  let store: Store | undefined;
  try {
    if (!existsSync(path) && existsSync(`${path}-wal`)) return undefined;
    store = await open('write');
    return await store.repair(({ indexed }) => {
      out.progress(`search index: ${formatCount(indexed, 'record')}`);
    });
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return undefined;
  } finally {
    // It may be replaced now.
    await store?.close();
  }
}

async function rebuild({ out, path, storeOptions }: BareContext): Promise<RebuildResult> {
  const result = await rebuildStore(path, {
    encryptionKey: storeOptions.encryptionKey,
    onProgress: ({ table, saved }) => {
      out.progress(`${table}: ${formatCount(saved, 'row')}`);
    },
  });
  out.note(`the damaged store is kept as ${result.kept}`);
  for (const { table, saved, lost, emptied } of result.tables) {
    const losses = [
      ...(lost === 0 ? [] : [lost === null ? 'others could not be read' : `${lost} lost`]),
      ...(emptied === 0 ? [] : [`${emptied} without their content`]),
    ];
    out.note([`${table}: ${formatCount(saved, 'row')} saved`, ...losses].join(', '));
  }
  if (result.leftOut > 0) {
    out.note(`${formatCount(result.leftOut, 'part')} left out: may be what was deleted`);
  }
  return result;
}

export const backup = storeCommand({
  name: 'backup',
  holdsThread: true,
  summary: 'write a verified, consistent copy of the store to a new file',
  details: 'Other programs may go on working meanwhile.',
  example: 'backup ~/store-2026-08-18.db',
  access: 'read',
  args: { file: pathArgument('file', 'the copy; must not be there yet') },
  async run({ store, out }, { file }) {
    const result = await store.backup(file);
    out.print(result, () => `wrote ${result.file} (${formatBytes(result.bytes)})`);
  },
});

export const restore = bareCommand({
  name: 'restore',
  holdsThread: true,
  summary: 'put a backup in the place of the store',
  details:
    'The file that is replaced is kept beside it. The restored store is a new device. ' +
    'No other program may have the store open.',
  example: 'restore ~/store-2026-08-18.db',
  args: { file: pathArgument('file', 'a copy made by "backup"') },
  async run({ out, path, storeOptions: { encryptionKey } }, { file }) {
    const result = await restoreStore(file, path, { encryptionKey });
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
  holdsThread: true,
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
