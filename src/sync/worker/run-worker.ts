import { setTimeout as sleep } from 'node:timers/promises';
import { ChangeSignal } from '../../db/change-signal.ts';
import type { Reader } from '../../db/reader.ts';
import type { Access } from '../connect.ts';
import { backoffMs, isPassing } from './backoff.ts';
import { Leader, type WorkerEvents } from './leader.ts';
import { Lease, RENEW_MS } from './lease.ts';
import { findLeader } from '../status.ts';
import { lookAround } from './look.ts';
import { Notices } from './notices.ts';
import { describeFailure } from './record-status.ts';

export interface WorkerOptions extends WorkerEvents {
  /** Ends the worker within a second. */
  readonly signal: AbortSignal;
}

/** How often one that stands by looks whether there is a leader; it is also told of changes. */
const LOOK_MS = 3000;
/** Between two looks where the store is written all the time. */
const PAUSE_MS = 100;

/**
 * Keeps a store in step with its hub until the signal is aborted. Of all workers of a store file one
 * leads; the others stand by, and one of them goes on at once when the leader stops, and within
 * seconds when it was killed. With sync off it waits for it to be turned on, and asks nobody.
 *
 * Failures of the hub end nothing: they stand in the status and are tried again.
 *
 * @throws `ClosedError` the store was closed meanwhile
 */
export async function runWorker(access: Access, options: WorkerOptions): Promise<void> {
  const { signal } = options;
  const changes = new ChangeSignal(access.database.path);
  const unwatch = changes.watch();
  const lease = new Lease(access);
  const notices = new Notices(options.onNotice);
  let failures = 0;
  let status = '';
  try {
    while (!signal.aborted) {
      const count = changes.count;
      try {
        const look = await access.database.read(lookAround);
        if (!look.enabled) notices.off();
        else if (await lease.take()) await lead(access, options, changes, lease, notices);
        else await tellLeader(access, notices);
        const former = status;
        status = await access.database.read(statusMark);
        if (status !== former) options.onStatus?.();
        failures = 0;
      } catch (error) {
        // A store that others hold, or a full disk.
        if (!isPassing(error)) throw error;
        const ms = backoffMs(failures++, Math.random);
        notices.failed(describeFailure(error, access.now), ms);
        await pause(ms, signal);
      }
      await changes.wait(count, LOOK_MS, signal);
      await pause(PAUSE_MS, signal);
    }
  } finally {
    unwatch();
    changes.close();
  }
}

async function tellLeader({ database, now }: Access, notices: Notices): Promise<void> {
  const leader = await database.read((reader) => findLeader(reader, now()));
  if (leader === null) return;
  notices.standingBy(leader);
  notices.recovered();
}

/** What of the leader's status the others tell their hosts of. */
function statusMark(reader: Reader): string {
  return JSON.stringify(
    reader.rows(
      'select leader, hub_head, clock_offset_ms, synced_at, error, devices from sync_status',
    ),
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

async function lead(
  access: Access,
  options: WorkerOptions,
  changes: ChangeSignal,
  lease: Lease,
  notices: Notices,
): Promise<void> {
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  const renew = async () => {
    // Who could not renew it in time finds it taken, and then stands by.
    if (!(await lease.take())) abort();
  };
  const renewal = setInterval(() => {
    renew().catch(() => undefined);
  }, RENEW_MS);
  try {
    notices.leading();
    options.onStatus?.();
    await new Leader(access, changes, options, notices, controller.signal).run();
  } finally {
    clearInterval(renewal);
    options.signal.removeEventListener('abort', abort);
    await lease.release();
  }
}
