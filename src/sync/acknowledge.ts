import type { Transaction } from '../db/transaction.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import { clockOf, type Clock } from '../model/version.ts';
import { sameIdentity, sameMark, type Ask, type Mark } from './ask.ts';
import type { Exchange } from './exchange.ts';
import { pieceKey, type Batch, type Sending } from './gathering.ts';
import { limitOf, type HubMeta } from './hub-meta.ts';
import type { Taken } from './push-statements.ts';
import { forgetSetAside, setAside } from './set-aside.ts';
import { forgetRemoved } from './apply/park.ts';
import { markStale } from './apply/stale-roots.ts';
import {
  knownFloor,
  needState,
  raiseFloor,
  saveAcked,
  saveCursor,
  savePair,
  type SyncState,
} from './state.ts';
import { trimSent } from './trim.ts';

/**
 * Takes over that the hub took a push.
 *
 * @param sending - what it carried of the batch
 * @returns undefined when the state changed meanwhile: the answer counts no more
 */
export async function takeAnswer(
  exchange: Exchange,
  ask: Ask & { sent: Mark },
  batch: Batch,
  sending: readonly Sending[],
  { head, nowMs, floorMs, returned }: Taken,
): Promise<SyncState | undefined> {
  const accepted = sending.filter((_, i) => !returned.has(i));
  // By the hub's clock: ours was ahead where anything came back. It sets no clock forward.
  const ownNow = exchange.now();
  const now = returned.size > 0 ? () => Math.min(nowMs, ownNow) : exchange.now;
  return exchange.database.write({ now }, (transaction) => {
    const held = needState(transaction);
    if (!sameIdentity(ask, held)) return undefined;
    if (sameMark(ask.sent, held.sent)) saveAcked(transaction, ask.sent);
    savePair(transaction, head);
    // Nobody wrote between what was read last and this push: what lies there now is our own.
    if (held.cursor === ask.cursor && head.number - sending.length === held.cursor) {
      saveCursor(transaction, head.number);
    }
    for (const { entry } of accepted)
      if (entry.ms !== null) raiseFloor(transaction, clockOf(entry.version));
    trimBatch(exchange, transaction, held, batch);
    forgetSetAside(transaction, accepted);
    forgetRemoved(transaction, accepted);
    if (returned.size > 0) {
      const floor = knownFloor(needState(transaction), ownNow);
      stampAnew(transaction, sending, returned, floor, { nowMs, floorMs });
    }
    return needState(transaction);
  });
}

/** Without a push: everything in the batch is on the hub already. */
export async function acknowledge(
  exchange: Exchange,
  state: SyncState,
  batch: Batch,
): Promise<void> {
  await exchange.database.write({ now: exchange.now }, (transaction) => {
    const held = needState(transaction);
    if (!sameIdentity(state, held)) return;
    trimBatch(exchange, transaction, held, batch);
  });
}

function trimBatch(
  exchange: Exchange,
  transaction: Transaction,
  held: SyncState,
  batch: Batch,
): void {
  if (batch.piece) {
    const { body, position } = batch.piece;
    exchange.memory.pieces.set(pieceKey(batch.round, body), position + 1);
  }
  for (const { source, reason } of batch.refused) {
    setAside(transaction, source, reason, batch.trim.notes);
  }
  trimSent(transaction, batch.trim, batch.round === held.round);
}

/**
 * The hub returned what lies past its clock: this device's clock was wrong. It is set back, never
 * below what is known to be accepted, and the rows are stamped anew, above what the hub holds.
 *
 * @param floor - the latest version known to be accepted
 */
function stampAnew(
  transaction: Transaction,
  sending: readonly Sending[],
  returned: ReadonlyMap<number, string | null>,
  floor: Clock,
  meta: Pick<HubMeta, 'nowMs' | 'floorMs'>,
): void {
  const back: Clock = floor.ms >= meta.nowMs ? floor : { ms: meta.nowMs, counter: 0 };
  if (transaction.clock.ms > back.ms) transaction.clock = back;
  const limit = limitOf({ nowMs: meta.nowMs, floorMs: Math.max(meta.floorMs, floor.ms) });
  for (const [i, held] of returned) {
    const source = sending[i]?.source;
    const table = MUTABLE_TABLES.find((candidate) => candidate.name === source?.table);
    if (!source || !table) continue;
    const version = transaction.rows(
      `select ${source.register}_version from ${table.name} where id = ?`,
      [source.rowId],
    )[0]?.[0];
    if (typeof version !== 'string' || version === '' || clockOf(version).ms <= limit) continue;
    // What lies beyond it there is taken off: above that the hub would take nothing.
    const above = held !== null && clockOf(held).ms <= limit ? held : null;
    transaction.restamp(table, source.rowId, source.register, above);
    // Its messages and turns keep their times, and it was worked on at these, too.
    markStale(transaction, { table: table.name, id: source.rowId });
  }
}
