import type { Stats } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { formatBytes } from '../format.ts';
import type { Output, Paint } from '../output.ts';
import { column, numberColumn } from '../record-columns.ts';
import { formatRecord } from '../table.ts';

/** The largest; `--json` has all of them. */
const SIZES_SHOWN = 12;

export const stats = storeCommand({
  name: 'stats',
  holdsThread: true,
  summary: 'count records and bytes; with --json of every table and index',
  example: 'stats --json',
  access: 'read',
  async run({ store, out }) {
    const result = await store.stats();
    out.print(result, (paint) => formatStats(result, out, paint));
  },
});

function formatStats(stats: Stats, out: Output, paint: Paint): string {
  const { path, schemaVersion, deviceId, bytes, blobs, searchPending, pendingSync } = stats;
  const summary = formatRecord(
    {
      path,
      schemaVersion,
      deviceId,
      size: formatBytes(bytes.total),
      writeAheadLog: formatBytes(bytes.wal),
      unusedInside: formatBytes(bytes.free),
      blobs: `${blobs.count}, ${formatBytes(blobs.bytes)} in ${formatBytes(blobs.storedBytes)}`,
      searchPending,
      pendingSync,
    },
    paint,
  );
  const counts = out.table(
    Object.entries(stats.counts).filter(([, count]) => count > 0),
    [column('RECORDS', ([name]) => name), numberColumn('COUNT', ([, count]) => count)],
    paint,
  );
  const sizes = out.table(
    Object.entries(bytes.tables).slice(0, SIZES_SHOWN),
    [
      column('TABLE OR INDEX', ([name]) => name),
      numberColumn('SIZE', ([, size]) => formatBytes(size)),
    ],
    paint,
  );
  return [summary, counts, sizes].join('\n\n');
}
