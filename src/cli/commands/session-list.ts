import type { SessionSummary } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { choice, lifecycle, paging, span, workspace } from '../parameters.ts';
import { idColumn, numberColumn, textColumn, timeColumn } from '../record-columns.ts';
import type { Column } from '../table.ts';

/** How many sessions a note names. */
const NAMED_MAX = 3;

const columns: Column<SessionSummary>[] = [
  idColumn(),
  timeColumn('UPDATED', (session) => session.updatedAt),
  numberColumn('MSGS', (session) => session.messageCount),
  textColumn('TITLE', (session) => session.title),
  textColumn('WORKSPACE', (session) => session.workspace),
];

export const sessionList = storeCommand({
  name: 'list',
  summary: 'list sessions, last updated first',
  example: 'session list --workspace . --since 7d',
  access: 'read',
  options: {
    ...workspace,
    ...lifecycle,
    ...span,
    sort: choice('order', 'by what', ['updated', 'created', 'title', 'messages']),
    ...paging,
  },
  async run({ store, out }, options) {
    const page = await store.sessions.list(options);
    out.printPage(page, columns);
    const ids = page.items.filter(({ newerBranch }) => newerBranch).map(({ id }) => id);
    const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : '';
    if (ids.length > 0) {
      out.note(
        `newer messages on another branch ("codewhale-store session branches ID"): ${ids.slice(0, NAMED_MAX).join(', ')}${more}`,
      );
    }
  },
});
