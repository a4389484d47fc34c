import { StoppedError } from '../../errors.ts';
import type { ImportReport } from './report.ts';

interface Stoppable {
  readonly signal?: AbortSignal | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Thrown between two writes of an import whose caller wants no more. */
export class Stopped extends Error {}

export function refuseStopped({ signal }: Stoppable): void {
  if (signal?.aborted) throw new Stopped();
}

/** What is in, and how to go on. */
export function stoppedError({ totals }: ImportReport, { dryRun }: Stoppable): StoppedError {
  if (dryRun) return new StoppedError('the dry run was stopped before its end');
  const { imported, updated } = totals;
  return new StoppedError(
    `the import was stopped before its end; ${imported} new records and ${updated} changed ones are in`,
    'The same import again goes on where this one ended; nothing comes in twice.',
  );
}
