import type { SyncReport } from '../../index.ts';

/** What an exchange did, in a line. */
export function reportText({ pushed, pulled, applied, tookMs }: SyncReport): string {
  return `sent ${pushed}, received ${pulled}, changed here ${applied} (${tookMs} ms)`;
}
