import { storeCommand } from '../command.ts';
import { argument, lifecycle, paging, span, value, workspace } from '../parameters.ts';
import { column, idColumn, textColumn, timeColumn } from '../record-columns.ts';
import { formatRecord } from '../table.ts';
import { formatTranscript } from '../transcript.ts';

const id = argument('id', 'the thread');

export const threadList = storeCommand({
  name: 'list',
  summary: 'list threads, last updated first',
  example: 'thread list --since 2026-08-01',
  access: 'read',
  options: { ...workspace, ...lifecycle, ...span, ...paging },
  async run({ store, out }, { workspace: cwd, ...options }) {
    out.printPage(await store.threads.list({ cwd, ...options }), [
      idColumn(),
      timeColumn('UPDATED', (thread) => thread.updatedAt),
      column('STATUS', (thread) => thread.status),
      textColumn('TITLE', (thread) => thread.title ?? thread.preview),
      textColumn('WORKSPACE', (thread) => thread.cwd),
    ]);
  },
});

export const threadShow = storeCommand({
  name: 'show',
  summary: 'show all of a thread but its messages',
  example: 'thread show 0c9e',
  access: 'read',
  args: { id },
  async run({ store, out }, input) {
    const thread = await store.threads.get(await store.resolveId('thread', input.id));
    out.print(thread, (paint) => formatRecord(thread, paint));
  },
});

export const threadMessages = storeCommand({
  name: 'messages',
  summary: 'print the messages of a branch, oldest first',
  details: 'With --limit the newest part of the branch; --cursor goes back from there.',
  example: 'thread messages 0c9e --limit 20',
  access: 'read',
  args: { id },
  options: { leaf: value('message', 'end of the branch (default: the current one)'), ...paging },
  async run({ store, out }, { id: prefix, ...options }) {
    const page = await store.threads.messages(await store.resolveId('thread', prefix), options);
    out.print(page, (paint) => formatTranscript(page.items, paint));
    out.noteNextPage(page);
  },
});

export const threadRestore = storeCommand({
  name: 'restore',
  summary: 'bring back a thread that was deleted or pruned',
  example: 'thread restore 0c9e',
  access: 'write',
  args: { id },
  async run({ store, out }, input) {
    const thread = await store.threads.restore(await store.resolveId('thread', input.id));
    out.print(thread, () => `restored ${thread.id}`);
  },
});
