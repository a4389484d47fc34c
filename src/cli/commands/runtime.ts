import { storeCommand } from '../command.ts';
import { formatRecord } from '../table.ts';
import { argument, lifecycle, paging, span, workspace } from '../parameters.ts';
import { column, idColumn, numberColumn, textColumn, timeColumn } from '../record-columns.ts';

export const runtimeThreads = storeCommand({
  name: 'threads',
  summary: 'list runtime threads, last updated first',
  example: 'runtime threads --since 7d',
  access: 'read',
  options: { ...workspace, ...lifecycle, ...span, ...paging },
  async run({ store, out }, options) {
    out.printPage(await store.runtime.listThreads(options), [
      idColumn(),
      timeColumn('UPDATED', (thread) => thread.updatedAt),
      column('MODE', (thread) => thread.mode),
      textColumn('TITLE', (thread) => thread.title),
      textColumn('WORKSPACE', (thread) => thread.workspace),
    ]);
  },
});

export const runtimeTurns = storeCommand({
  name: 'turns',
  summary: 'list the turns of a runtime thread',
  example: 'runtime turns thr_1a2b',
  access: 'read',
  args: { thread: argument('thread', 'the runtime thread') },
  options: paging,
  async run({ store, out }, { thread, ...options }) {
    const id = await store.resolveId('runtimeThread', thread);
    out.printPage(await store.runtime.listTurns(id, options), [
      idColumn(),
      timeColumn('CREATED', (turn) => turn.createdAt),
      column('STATUS', (turn) => turn.status),
      numberColumn('ATTEMPT', (turn) => turn.attempt),
      textColumn('INPUT', (turn) => turn.inputSummary),
      textColumn('ERROR', (turn) => turn.error),
    ]);
  },
});

export const runtimeItems = storeCommand({
  name: 'items',
  summary: 'list the items of a turn',
  example: 'runtime items turn_3c4d',
  access: 'read',
  args: { turn: argument('turn', 'the turn') },
  options: paging,
  async run({ store, out }, { turn, ...options }) {
    const id = await store.resolveId('turn', turn);
    const page = await store.runtime.listItems(id, options);
    // A list carries no bodies: `runtime item` shows one whole.
    const items = page.items.map(
      ({ detail: _detail, metadata: _metadata, artifactRefs: _refs, details: _details, ...item }) =>
        item,
    );
    out.printPage({ ...page, items }, [
      idColumn(),
      timeColumn('STARTED', (item) => item.startedAt),
      column('KIND', (item) => item.kind),
      column('STATUS', (item) => item.status),
      textColumn('SUMMARY', (item) => item.summary),
    ]);
  },
});

export const runtimeItem = storeCommand({
  name: 'item',
  summary: 'show all of an item',
  example: 'runtime item item_5e6f',
  access: 'read',
  args: { item: argument('item', 'the item') },
  async run({ store, out }, { item }) {
    const record = await store.runtime.getItem(await store.resolveId('item', item));
    out.print(record, (paint) => formatRecord(record, paint));
  },
});

export const runtimeRestore = storeCommand({
  name: 'restore',
  summary: 'bring back a runtime thread that was deleted or pruned',
  example: 'runtime restore thr_1a2b',
  access: 'write',
  args: { thread: argument('thread', 'the runtime thread') },
  async run({ store, out }, { thread }) {
    const id = await store.resolveId('runtimeThread', thread);
    const restored = await store.runtime.restoreThread(id);
    out.print(restored, () => `restored ${restored.id}`);
  },
});
