import type { Store } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { foreignLine, formatCount } from '../format.ts';
import type { Output } from '../output.ts';
import { flag, optionalArgument, optionalChoice, paging } from '../parameters.ts';
import { foreignColumn, jsonColumn, numberColumn, timeColumn } from '../record-columns.ts';

const ACTIONS = ['dismiss', 'restore'] as const;

export const syncConflicts = storeCommand({
  name: 'conflicts',
  summary: 'list what was overwritten by a device that did not know it; dismiss or restore it',
  details:
    '"restore" writes what lost back, as an edit that is made now. "dismiss" takes it off the list, ' +
    "with --all everything. The list is this device's own.",
  example: 'sync conflicts restore 3',
  access: ({ action }) => (action === undefined ? 'read' : 'write'),
  args: {
    action: optionalChoice('action', 'what to do with a conflict', ACTIONS),
    number: optionalArgument('no', 'the number of the conflict in the list'),
  },
  options: { all: flag('with "dismiss": all of them'), ...paging },
  async run({ store, out }, { action, number, all, limit, cursor }) {
    if (action !== undefined) {
      await change(store, out, action, number, all ?? false);
      return;
    }
    const page = await store.sync.conflicts({
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    out.printPage(page, [
      numberColumn('NO', (conflict) => String(conflict.number)),
      foreignColumn('TABLE', (conflict) => conflict.table),
      foreignColumn('ID', (conflict) => conflict.id),
      foreignColumn('REGISTER', (conflict) => conflict.register),
      timeColumn('FOUND', (conflict) => conflict.foundAt),
      jsonColumn('LOST', (conflict) => conflict.lost),
    ]);
  },
});

async function change(
  { sync }: Store,
  out: Output,
  action: (typeof ACTIONS)[number],
  given: string | undefined,
  all: boolean,
): Promise<void> {
  if (all && action === 'dismiss' && given === undefined) {
    const dismissed = await sync.dismissConflicts();
    out.print({ dismissed }, () => `dismissed ${formatCount(dismissed, 'conflict')}`);
    return;
  }
  const number = Number(given);
  if (all || !Number.isSafeInteger(number) || number < 1) {
    const more = action === 'dismiss' ? ', or --all' : '';
    throw new UsageError(
      `"sync conflicts ${action}" takes the number of a conflict${more}`,
      'See "codewhale-store sync conflicts".',
    );
  }
  if (action === 'dismiss') {
    await sync.dismissConflict(number);
    out.print({ dismissed: 1 }, () => 'dismissed 1 conflict');
    return;
  }
  const restored = await sync.restoreConflict(number);
  out.print(
    restored,
    () => `restored ${restored.register} of ${restored.table} ${foreignLine(restored.id)}`,
  );
}
