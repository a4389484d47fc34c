import { storeCommand } from '../command.ts';
import { column, foreignColumn, textColumn, timeColumn } from '../record-columns.ts';

export const syncVerify = storeCommand({
  name: 'verify',
  summary: 'print a digest of everything that is synced, equal on devices that hold the same',
  example: 'sync verify',
  access: 'read',
  async run({ store, out }) {
    const result = await store.sync.verify();
    out.print(result, (paint) =>
      [
        out.table(
          Object.entries(result.tables),
          [
            column('TABLE', ([name]) => name),
            column('ROWS', ([, table]) => String(table.rows), { align: 'right' }),
            column('DIGEST', ([, table]) => table.digest.slice(0, 16)),
          ],
          paint,
        ),
        `digest ${result.digest}`,
      ].join('\n'),
    );
  },
});

export const syncParked = storeCommand({
  name: 'parked',
  summary: 'list what was received or written and cannot be applied or sent, with the reason',
  example: 'sync parked',
  access: 'read',
  async run({ store, out }) {
    const items = await store.sync.parked({ limit: 1000 });
    out.printPage({ items, nextCursor: null }, [
      column('WAY', (entry) => entry.direction),
      foreignColumn('TABLE', (entry) => entry.table),
      foreignColumn('ID', (entry) => entry.id),
      foreignColumn('REGISTER', (entry) => entry.register),
      foreignColumn('REASON', (entry) => entry.reason),
      timeColumn('SINCE', (entry) => entry.at),
      textColumn('WHAT TO DO', (entry) => entry.hint),
    ]);
  },
});
