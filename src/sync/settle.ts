import type { BodyRef } from '../db/content.ts';
import type { Transaction } from '../db/transaction.ts';
import { readParked, retryParked, type Tally } from './apply/apply-entries.ts';
import { finishStep, newContext, type ApplyContext } from './apply/context.ts';
import type { Opened } from './apply/open-entry.ts';
import { Shapes } from './apply/shape.ts';
import { refreshStale } from './apply/stale-roots.ts';
import { boundUpdated, isAnyAhead, timeBound } from './apply/updated-times.ts';
import { STEADY, type Exchange } from './exchange.ts';
import { isHeld } from './gathering.ts';
import type { HubMeta } from './hub-meta.ts';
import type { Entry } from './pull-statements.ts';
import { SCHEMA } from './schema.ts';
import { needState, type SyncState } from './state.ts';

const PARKED_MAX = 500;
const STALE_STEP = 20;

/** What the entries of one transaction are applied with. */
export function contextOf(
  exchange: Exchange,
  transaction: Transaction,
  meta: HubMeta,
  held: SyncState,
  shapes: Shapes,
): ApplyContext {
  const { ring, memory } = exchange;
  const { parking, pieces } = memory;
  const { round } = held;
  const holds = (body: BodyRef) => isHeld(pieces, round, body);
  return newContext({ transaction, ring, meta, round, shapes, parking, isHeld: holds });
}

/** Opens the first of some entries, as many as are applied in one step. */
type OpenSome = (entries: readonly Entry[]) => Promise<Opened[]>;

/**
 * Applies what is parked and can be opened since: this device has another key, or a newer program.
 * To be called before a page is applied, whose events would otherwise come before earlier ones.
 *
 * @returns how many entries changed the store
 */
export async function catchUp(exchange: Exchange, meta: HubMeta, open: OpenSome): Promise<number> {
  const { database, ring, memory, pace = STEADY } = exchange;
  const keys = JSON.stringify([0, ...(ring?.keys.keys() ?? [])]);
  const waits = await database.read((reader) =>
    reader.number(
      `select exists (select 1 from parked where schema <= ? and (reason = 'schema'
         or reason = 'key' and key_number in (select value from json_each(?))))`,
      [SCHEMA, keys],
    ),
  );
  if (waits === 0) return 0;
  const tally = { applied: 0, parked: 0 };
  memory.parkedFrom = 0;
  while ((await retrySome(exchange, meta, tally, open)) !== 'ended') await pace.rest();
  return tally.applied;
}

/** At the end of a pull: what was parked is tried again, and what is derived is brought up to date. */
export async function settle(
  exchange: Exchange,
  meta: HubMeta,
  tally: Tally,
  open: OpenSome,
): Promise<void> {
  const { database, now, pace = STEADY } = exchange;
  while ((await retrySome(exchange, meta, tally, open)) === 'left') await pace.rest();
  let left = 1;
  while (left > 0) {
    left = await database.read((reader) => reader.number('select count(*) from stale_roots'));
    if (left === 0) break;
    await database.write({ now }, (transaction) => refreshStale(transaction, STALE_STEP));
    await pace.rest();
  }
  const bound = timeBound(meta, now());
  if (await database.read((reader) => isAnyAhead(reader, bound))) {
    await database.write({ now }, (transaction) => {
      boundUpdated(transaction, bound);
    });
  }
}

/**
 * Looks at the parked entries where the former look ended.
 *
 * @returns `ended`: all were looked at; `left`, `stayed`: whether any is parked no more
 */
async function retrySome(
  exchange: Exchange,
  meta: HubMeta,
  tally: Tally,
  open: OpenSome,
): Promise<'ended' | 'left' | 'stayed'> {
  const { database, now, memory } = exchange;
  const parked = await database.read((reader) => readParked(reader, PARKED_MAX, memory.parkedFrom));
  const entries = parked.map(({ entry }) => entry);
  let stayed = 0;
  for (let from = 0; from < parked.length;) {
    const opened = await open(entries.slice(from));
    const some = parked.slice(from, from + opened.length);
    const shapes = new Shapes();
    const retried = await database.write({ now }, (transaction) => {
      const context = contextOf(exchange, transaction, meta, needState(transaction), shapes);
      const retried = retryParked(context, some, opened);
      finishStep(context);
      return retried;
    });
    tally.applied += retried.applied;
    stayed += retried.parked;
    from += opened.length;
  }
  memory.parkedFrom += stayed;
  const waiting = await database.read((reader) => reader.number('select count(*) from parked'));
  if (memory.parkedFrom < waiting) return stayed < parked.length ? 'left' : 'stayed';
  memory.parkedFrom = 0;
  return 'ended';
}
