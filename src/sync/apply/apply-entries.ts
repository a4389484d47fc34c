import type { Reader } from '../../db/reader.ts';
import { noteAgain } from '../../db/outbox.ts';
import { ConflictError, DatabaseError, SealError } from '../../errors.ts';
import { clockOf } from '../../model/version.ts';
import type { Entry } from '../pull-statements.ts';
import { applyRegister, type Applied } from './apply-register.ts';
import { applyPurge, applyRow } from './apply-row.ts';
import { applyRun, runAt } from './apply-run.ts';
import type { ApplyContext } from './context.ts';
import type { Opened, ParkReason } from './open-entry.ts';
import { park, REMOVED, renameReason, unpark } from './park.ts';

/** What came of some entries. */
export interface Tally {
  /** Entries that changed the store. */
  applied: number;
  parked: number;
}

/** Applies entries in one transaction; what cannot be applied is parked and blocks nothing. */
export function applyEntries(context: ApplyContext, opened: readonly Opened[]): Tally {
  const tally = { applied: 0, parked: 0 };
  for (let next = 0; next < opened.length;) {
    const run = runAt(opened, next);
    if (run && applyRun(context, run)) {
      tally.applied += run.length;
      if (context.anyParked) for (const { entry } of run) unpark(context.transaction, entry);
      next += run.length;
      continue;
    }
    const end = next + (run?.length ?? 1);
    for (; next < end; next++) {
      const outcome = applyOne(context, opened[next] as Opened);
      if (outcome === 'parked') tally.parked++;
      if (outcome === 'taken') tally.applied++;
    }
  }
  return tally;
}

/** What an entry may meet that makes no sense; everything else is no fault of the entry. */
const REFUSALS = [SealError, DatabaseError, ConflictError];

function applyOne(context: ApplyContext, one: Opened): Applied | 'parked' {
  if (one.kind === 'parked') return setAside(context, one.entry, one.reason);
  try {
    const outcome = applyOpened(context, one);
    if (outcome === 'chunks') {
      // A local edit does not wait for a body that may never be whole: it goes over it.
      if (one.kind === 'register' && one.entry.version !== '') {
        context.transaction.observe(clockOf(one.entry.version));
      }
      return setAside(context, one.entry, 'chunks');
    }
    const waited = context.anyParked && unpark(context.transaction, one.entry);
    // What wins here was passed over while it waited for what it has won over now.
    if (waited && outcome === 'known') leaveParked(context, one);
    return outcome;
  } catch (error) {
    // Columns of wrong types, or values that the schema refuses: nobody of this group writes them.
    if (!REFUSALS.some((refusal) => error instanceof refusal)) throw error;
    return setAside(context, one.entry, 'invalid');
  }
}

function setAside(context: ApplyContext, entry: Entry, reason: ParkReason): 'parked' {
  park(context.transaction, entry, reason, context.parking);
  context.anyParked = true;
  return 'parked';
}

function applyOpened(context: ApplyContext, one: Exclude<Opened, { kind: 'parked' }>): Applied {
  switch (one.kind) {
    case 'register':
      return applyRegister(context, one.table, one.entry, one.payload);
    case 'row':
      return applyRow(context, one.table, one.payload, one.contentHash);
    case 'purged':
      return applyPurge(context, one.table, one.payload, one.contentHash);
  }
}

interface ParkedRow {
  readonly entry: Entry;
  /** Above 0: the hub lacks it. */
  readonly offer: number;
}

/**
 * Tries parked entries again. One that can be applied now leaves; where it was to be offered, the
 * register that it changed is noted in its place.
 *
 * @returns `parked`: how many stay
 */
export function retryParked(
  context: ApplyContext,
  parked: readonly ParkedRow[],
  opened: readonly Opened[],
): Tally {
  const tally = { applied: 0, parked: 0 };
  for (const [i, one] of opened.entries()) {
    if (one.kind === 'parked') {
      tally.parked++;
      renameReason(context.transaction, one.entry, one.reason);
      continue;
    }
    const outcome = applyOne(context, one);
    if (outcome === 'parked') {
      tally.parked++;
      continue;
    }
    if (outcome === 'taken') tally.applied++;
    if (outcome === 'taken' && parked[i]?.offer === 0) continue;
    leaveParked(context, one);
  }
  return tally;
}

/**
 * The hub may lack what stands here now: the entry was to be offered, or the register was passed over
 * while it waited.
 */
function leaveParked(
  { transaction }: ApplyContext,
  one: Exclude<Opened, { kind: 'parked' }>,
): void {
  if (one.kind === 'register')
    noteAgain(transaction, one.table.name, one.payload.i, one.entry.register);
  if (one.kind === 'row') {
    transaction.run(`update ${one.table.name} set pulled = 0 where id = ?`, [one.payload.i]);
  }
}

/** Payloads of parked entries that are read at once, in bytes. */
const PARKED_BYTES_MAX = 32 << 20;

/** Parked entries, oldest first, as many as memory has room for. */
export function readParked(reader: Reader, limit: number, offset = 0): ParkedRow[] {
  const rows = reader.rows(
    `select table_name, hub_id, register, version, key_number, schema, payload,
       iif(reason = '${REMOVED}', 1, offer) from (
       select *, sum(length(payload)) over (order by parked_at, hub_id, register rows unbounded preceding)
         - length(payload) as bytes_before
       from (select * from parked order by parked_at, hub_id, register limit ?1 offset ?2))
     where bytes_before < ?3 order by parked_at, hub_id, register`,
    [limit, offset, PARKED_BYTES_MAX],
  );
  return rows.map(([table, id, register, version, keyNumber, schema, payload, offer]) => ({
    entry: {
      seq: 0,
      table: table as string,
      id: id as string,
      register: register as string,
      version: version as string,
      keyNumber: Number(keyNumber),
      schema: Number(schema),
      payload: payload as Uint8Array,
    },
    offer: Number(offer),
  }));
}
