import { storeCommand } from '../command.ts';
import { paging, span, value } from '../parameters.ts';
import { column, jsonColumn, secondColumn } from '../record-columns.ts';

export const auditList = storeCommand({
  name: 'list',
  summary: 'list what was approved, refused and changed, newest first',
  example: 'audit list --event tool.approval.prompted --since 7d',
  access: 'read',
  options: { event: value('event', 'only this one'), ...span, ...paging },
  async run({ store, out }, options) {
    out.printPage(await store.audit.list(options), [
      secondColumn('AT', (entry) => entry.at),
      column('EVENT', (entry) => entry.event),
      jsonColumn('DETAILS', (entry) => entry.details),
    ]);
  },
});
