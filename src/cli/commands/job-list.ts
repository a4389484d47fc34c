import { storeCommand } from '../command.ts';
import { choice, paging, span } from '../parameters.ts';
import { column, idColumn, numberColumn, textColumn, timeColumn } from '../record-columns.ts';

export const jobList = storeCommand({
  name: 'list',
  summary: 'list jobs, last updated first',
  example: 'job list --status running',
  access: 'read',
  options: {
    status: choice('status', 'only those', [
      'queued',
      'running',
      'paused',
      'completed',
      'failed',
      'cancelled',
    ]),
    ...span,
    ...paging,
  },
  async run({ store, out }, options) {
    out.printPage(await store.jobs.list(options), [
      idColumn(),
      timeColumn('UPDATED', (job) => job.updatedAt),
      column('STATUS', (job) => job.status),
      numberColumn('PROGRESS', (job) => job.progress),
      textColumn('NAME', (job) => job.name),
    ]);
  },
});
