import type { SessionBranch, SessionSummary } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { formatCount, localTime } from '../format.ts';
import type { Output } from '../output.ts';
import { argument, paging, value } from '../parameters.ts';
import { column, numberColumn, timeColumn } from '../record-columns.ts';
import { formatRecord, type Column } from '../table.ts';
import { formatTranscript } from '../transcript.ts';

const id = argument('id', 'the session');

export const sessionShow = storeCommand({
  name: 'show',
  summary: 'show all of a session but its messages',
  example: 'session show 01JZ8',
  access: 'read',
  args: { id },
  async run({ store, out }, input) {
    const session = await store.sessions.get(await store.resolveId('session', input.id));
    out.print(session, (paint) => formatRecord(session, paint));
    noteNewerBranch(out, session);
  },
});

export const sessionMessages = storeCommand({
  name: 'messages',
  summary: 'print the messages of a branch, oldest first',
  details: 'With --limit the newest part of the branch; --cursor goes back from there.',
  example: 'session messages 01JZ8 --limit 20',
  access: 'read',
  args: { id },
  options: { leaf: value('message', 'end of the branch (default: the current one)'), ...paging },
  async run({ store, out }, { id: prefix, ...options }) {
    const id = await store.resolveId('session', prefix);
    const page = await store.sessions.messages(id, options);
    out.print(page, (paint) => formatTranscript(page.items, paint));
    out.noteNextPage(page);
    if (!options.leaf && !options.cursor) noteNewerBranch(out, await store.sessions.get(id));
  },
});

const branchColumns: Column<SessionBranch>[] = [
  column('LEAF', (branch) => branch.leaf),
  timeColumn('UPDATED', (branch) => branch.updatedAt),
  numberColumn('MSGS', (branch) => branch.messageCount),
  column('CURRENT', ({ current, currentMessage }) =>
    currentMessage === undefined ? (current ? 'yes' : '') : `at ${currentMessage}`,
  ),
];

export const sessionBranches = storeCommand({
  name: 'branches',
  summary: 'list the branches of a session by their last message',
  example: 'session branches 01JZ8',
  access: 'read',
  args: { id },
  async run({ store, out }, input) {
    const id = await store.resolveId('session', input.id);
    const items = await store.sessions.branches(id);
    out.printPage({ items, nextCursor: null }, branchColumns);
    const { newerBranch } = await store.sessions.get(id);
    if (newerBranch)
      out.note(`newer than the current one: session set-current ${id} ${newerBranch.leaf}`);
  },
});

/** Says that the newest messages are not among those of the current branch. */
function noteNewerBranch(out: Output, { id, newerBranch }: SessionSummary): void {
  if (!newerBranch) return;
  const { messageCount, updatedAt } = newerBranch;
  const newest = updatedAt === null ? '' : `, the newest of ${localTime(updatedAt)}`;
  out.note(
    `${formatCount(messageCount, 'message')} on another branch${newest}: session branches ${id}`,
  );
}
