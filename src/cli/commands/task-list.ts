import { storeCommand } from '../command.ts';
import { choices, lifecycle, paging, span, workspace } from '../parameters.ts';
import { column, idColumn, numberColumn, textColumn, timeColumn } from '../record-columns.ts';

export const taskList = storeCommand({
  name: 'list',
  summary: 'list tasks, last updated first',
  example: 'task list --status queued,running',
  access: 'read',
  options: {
    status: choices('status,...', 'any of these', [
      'queued',
      'running',
      'completed',
      'failed',
      'canceled',
    ]),
    ...workspace,
    ...lifecycle,
    ...span,
    ...paging,
  },
  async run({ store, out }, options) {
    out.printPage(await store.tasks.list(options), [
      idColumn(),
      timeColumn('UPDATED', (task) => task.updatedAt),
      column('STATUS', (task) => task.status),
      numberColumn('ATTEMPT', (task) => task.attempt),
      textColumn('PROMPT', (task) => task.prompt),
      textColumn('WORKSPACE', (task) => task.workspace),
      textColumn('ERROR', (task) => task.error),
    ]);
  },
});
