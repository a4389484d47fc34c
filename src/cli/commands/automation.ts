import { storeCommand } from '../command.ts';
import { argument, choice, flag, paging } from '../parameters.ts';
import { column, idColumn, textColumn, timeColumn } from '../record-columns.ts';
import { formatRecord } from '../table.ts';

const id = argument('id', 'the automation');

export const automationList = storeCommand({
  name: 'list',
  summary: 'list automations, last updated first',
  example: 'automation list --status active',
  access: 'read',
  options: {
    status: choice('status', 'only those', ['active', 'paused']),
    deleted: flag('deleted ones, and no others'),
    ...paging,
  },
  async run({ store, out }, options) {
    out.printPage(await store.automations.list(options), [
      idColumn(),
      column('STATUS', (automation) => automation.status),
      timeColumn('NEXT RUN', (automation) => automation.nextRunAt),
      timeColumn('LAST RUN', (automation) => automation.lastRunAt),
      textColumn('NAME', (automation) => automation.name),
      textColumn('RULE', (automation) => automation.rule),
    ]);
  },
});

export const automationShow = storeCommand({
  name: 'show',
  summary: 'show all of an automation but its runs',
  example: 'automation show 01K2A',
  access: 'read',
  args: { id },
  async run({ store, out }, input) {
    const automation = await store.automations.get(await store.resolveId('automation', input.id));
    out.print(automation, (paint) => formatRecord(automation, paint));
  },
});

export const automationRuns = storeCommand({
  name: 'runs',
  summary: 'list the runs of an automation, newest first',
  example: 'automation runs 01K2A --limit 10',
  access: 'read',
  args: { id },
  options: paging,
  async run({ store, out }, { id: prefix, ...options }) {
    const automation = await store.resolveId('automation', prefix);
    out.printPage(await store.automations.runs(automation, options), [
      idColumn(),
      timeColumn('SLOT', (run) => run.slot),
      column('STATUS', (run) => run.status),
      timeColumn('STARTED', (run) => run.startedAt),
      timeColumn('ENDED', (run) => run.endedAt),
      column('TASK', (run) => run.taskId),
      textColumn('ERROR', (run) => run.error),
    ]);
  },
});
