import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { absolutePath } from './find-sqld.ts';
import type { HubFolder } from './hub-folder.ts';
import { readPrivate } from './private-files.ts';
import { endProcess } from './sqld-process.ts';

/**
 * Ends the sqld of an earlier start that was killed, should it still be there: it writes to the data
 * that the next one is about to open. Call it with the lock held.
 */
export async function endOrphan(folder: HubFolder): Promise<void> {
  const pid = Number(readPrivate(folder.pid) ?? '');
  if (!Number.isInteger(pid) || pid <= 1) return;
  // The system gives process ids out again: only one whose command line names our data is ours.
  if (commandLine(pid).includes(folder.data)) await endProcess(pid);
}

/** The command with its arguments; empty when there is no such process. */
function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const options = { encoding: 'utf8', env: { ...process.env, PATH: absolutePath() } } as const;
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], options);
  } catch {
    return '';
  }
}
