import type { Reader } from '../../db/reader.ts';
import { SealError } from '../../errors.ts';
import type { Entry } from '../pull-statements.ts';
import { applyRegister, type Applied } from './apply-register.ts';
import { applyPurge, applyRow } from './apply-row.ts';
import type { ApplyContext } from './context.ts';
import type { Opened } from './open-entry.ts';
import { park, unpark } from './park.ts';

/** What came of some entries. */
export interface Tally {
  /** Entries that changed the store. */
  applied: number;
  parked: number;
}

/** Applies entries in one transaction; what cannot be applied is parked and blocks nothing. */
export function applyEntries(context: ApplyContext, opened: readonly Opened[]): Tally {
  const tally = { applied: 0, parked: 0 };
  for (const one of opened) {
    const outcome = applyOne(context, one);
    if (outcome === 'parked') tally.parked++;
    if (outcome === 'taken') tally.applied++;
  }
  return tally;
}

function applyOne(context: ApplyContext, one: Opened): Applied | 'parked' {
  const { transaction } = context;
  if (one.kind === 'parked') {
    park(transaction, one.entry, one.reason);
    return 'parked';
  }
  try {
    const outcome = applyOpened(context, one);
    if (outcome === 'chunks') {
      park(transaction, one.entry, 'chunks');
      return 'parked';
    }
    if (context.anyParked) unpark(transaction, one.entry);
    return outcome;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    park(transaction, one.entry, 'damaged');
    return 'parked';
  }
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
  readonly offer: number;
}

/**
 * Tries parked entries again. One that can be applied now leaves; where it was to be offered, the
 * register that it changed is noted in its place.
 */
export function retryParked(
  context: ApplyContext,
  parked: readonly ParkedRow[],
  opened: readonly Opened[],
): Tally {
  const tally = { applied: 0, parked: 0 };
  for (const [i, one] of opened.entries()) {
    if (one.kind === 'parked') continue;
    const outcome = applyOne(context, one);
    if (outcome === 'taken') tally.applied++;
    if (outcome === 'parked' || parked[i]?.offer === 0 || outcome !== 'taken') continue;
    if (one.kind === 'register') noteAgain(context, one.table.name, one.payload.i, one.entry.register);
  }
  return tally;
}

function noteAgain(context: ApplyContext, table: string, id: string, register: string): void {
  context.transaction.run(
    `insert or replace into outbox (table_name, row_id, register, noted_at, bases)
     values (?, ?, ?, ?, '[]')`,
    [table, id, register, context.transaction.now()],
  );
}

/** The parked entries, oldest first. */
export function readParked(
  reader: Reader,
  limit: number,
): ParkedRow[] {
  const rows = reader.rows(
    `select table_name, hub_id, register, version, key_number, schema, payload, offer
     from parked order by parked_at, hub_id limit ?`,
    [limit],
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
