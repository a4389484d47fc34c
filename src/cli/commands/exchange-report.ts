import type { SyncReport } from '../../index.ts';
import { foreignLine } from '../format.ts';
import type { Output } from '../output.ts';

/** What an exchange did, in a line. */
export function reportText({ pushed, pulled, applied, tookMs }: SyncReport): string {
  return `sent ${pushed}, received ${pulled}, changed here ${applied} (${tookMs} ms)`;
}

/** Who lets `sync now` run by itself does not look at the status. */
export function warnOfCopy(out: Output, { copyOf }: SyncReport): void {
  if (copyOf === null) return;
  out.warn(
    `this store is a copy, and another device from now on: what the device ${foreignLine(copyOf)} runs and ` +
      'owns stays with that one. Where it is gone, see "codewhale-store sync status" and ' +
      '"codewhale-store task hand-over --help".',
  );
}
