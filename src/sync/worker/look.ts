import { statSync } from 'node:fs';
import type { Reader } from '../../db/reader.ts';
import { IMMUTABLE_TABLES } from '../../model/registers.ts';
import { findState } from '../state.ts';

/**
 * Between two looks at what changed, in milliseconds: the first ones, those at a store that is written
 * all the time, and at last. The file system tells of a commit when it is written, before it is on the
 * disk and can be seen, and some do not tell at all.
 */
export const LOOK_MS = 1;
export const BUSY_LOOK_MS = 5;
export const POLL_MS = 1000;

/** What a worker looks at to tell whether there is something to do; two looks are compared. */
export interface Look {
  readonly enabled: boolean;
  /** Where and as whom to exchange, with which token and keys. Not for printing. */
  readonly settings: string;
  /** What the hub lacks: another text when there is more, empty when it lacks nothing. */
  readonly unsent: string;
}

const LATEST_ROWS = IMMUTABLE_TABLES.map(
  ({ name }) => `(
    select max(number) from ${name}
    where number > coalesce((select after_number from sync_scans where table_name = '${name}'), 0)
      and pulled <> (select round from sync_state)
  )`,
);

const UNSENT = `select
  (select max(number) from outbox where stuck is null),
  (select max(table_name || after_id) from sync_scans where after_id is not null),
  (select max(offer) from parked where offer > 0),
  ${LATEST_ROWS.join(', ')}`;

/** A few index look-ups: cheap enough for every change of the store. */
export function lookAround(reader: Reader): Look {
  const state = findState(reader);
  if (!state?.enabled) return { enabled: false, settings: '', unsent: '' };
  const { url, tokenFile, pull, deviceName, keyRing, device, round } = state;
  const unsent = reader.rows(UNSENT)[0] ?? [];
  return {
    enabled: true,
    settings: JSON.stringify([
      ...[url, tokenFile, pull, deviceName, keyRing, device, round],
      ...fileMark(tokenFile),
    ]),
    unsent: unsent.every((value) => value === null) ? '' : JSON.stringify(unsent),
  };
}

/** Tells a token file from the one that it replaced. */
function fileMark(path: string | null): number[] {
  const stat = path === null ? undefined : statOf(path);
  return stat ? [stat.ino, stat.size, stat.mtimeMs] : [];
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A folder that may not be entered: as good as not there; whoever reads the token says why.
    return undefined;
  }
}

/** How long to wait until the next look, in milliseconds. @param woken - something told of a change */
export function nextLookMs(lookMs: number, woken: boolean): number {
  if (!woken) return Math.min(lookMs * 2, POLL_MS);
  return lookMs > BUSY_LOOK_MS ? LOOK_MS : Math.min(lookMs * 2, BUSY_LOOK_MS);
}
