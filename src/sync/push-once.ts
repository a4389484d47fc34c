import { randomBytes } from 'node:crypto';
import type { Transaction } from '../db/transaction.ts';
import { HubRefusedError, HubTooLargeError } from '../errors.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import { clockOf, type Clock } from '../model/version.ts';
import { sameAsk, sameIdentity, sameMark, type Ask, type Mark } from './ask.ts';
import { pieceKey, type Batch, type Sending } from './gathering.ts';
import type { Exchange } from './exchange.ts';
import { askHub, limitOf, type HubMeta } from './hub-meta.ts';
import type { HubRow } from './hub/hub.ts';
import { lackingStatement, pushStatements } from './push-statements.ts';
import { readAhead, readNext, takeAhead } from './read-ahead.ts';
import {
  needState,
  raiseFloor,
  saveAcked,
  saveCursor,
  savePair,
  saveSent,
  type SyncState,
} from './state.ts';
import { forgetSetAside, setAside } from './set-aside.ts';
import { trimSent } from './trim.ts';

/** `idle`: nothing to send; `sent`: there may be more; `stale`: the hub is not as we know it, pull first. */
export interface Pushed {
  readonly outcome: 'idle' | 'sent' | 'stale';
  /** Entries that went to the hub. */
  readonly entries: number;
  readonly bytes: number;
  /** Nothing was left when it was read: what was written since is for the next exchange. */
  readonly last: boolean;
}

const IDLE: Pushed = { outcome: 'idle', entries: 0, bytes: 0, last: true };
const STALE: Pushed = { outcome: 'stale', entries: 0, bytes: 0, last: false };

/**
 * Sends one batch of what the hub has not acknowledged, and trims exactly what was sent.
 *
 * Nothing is trimmed before the hub has answered: a crash in between sends the batch again, which
 * its guard by version makes harmless.
 *
 * @throws `HubUnreachableError` and the other errors of the hub
 */
export async function pushOnce(exchange: Exchange): Promise<Pushed> {
  const { memory } = exchange;
  const { state, batch } = takeAhead(exchange) ?? (await readNext(exchange));
  if (!batch) return IDLE;
  const wanted = await lacking(exchange, state, batch);
  if (!wanted) return STALE;
  const { sending } = wanted;
  if (sending.length === 0) {
    await acknowledge(exchange, wanted.state, batch);
    return { outcome: 'sent', entries: 0, bytes: 0, last: batch.last };
  }
  const ask = await prepare(exchange, wanted.state);
  if (!ask) return STALE;
  try {
    return await send(exchange, ask, batch, sending);
  } catch (error) {
    if (!(await isRowsFault(exchange, ask, error))) throw error;
    if (memory.halve(sending.length)) {
      return { outcome: 'sent', entries: 0, bytes: 0, last: false };
    }
    return sendSingly(exchange, batch, sending);
  }
}

/** The entries of one row, each alone: what the hub does not take even so is set aside. */
async function sendSingly(
  exchange: Exchange,
  batch: Batch,
  sending: readonly Sending[],
): Promise<Pushed> {
  const nothing = { notes: [], parked: [], numbers: new Map(), ids: new Map() };
  let entries = 0;
  for (const one of sending) {
    const state = await exchange.database.read(needState);
    const ask = await prepare(exchange, state);
    if (!ask) return STALE;
    try {
      const alone = { ...batch, trim: nothing, refused: [], last: true };
      const sent = await send(exchange, ask, alone, [one]);
      if (sent.outcome !== 'sent') return sent;
      entries++;
    } catch (error) {
      if (!(await isRowsFault(exchange, ask, error))) throw error;
      const reason = error instanceof HubTooLargeError ? 'size' : 'refused';
      const { source } = one;
      if (batch.piece) {
        exchange.memory.refusedBodies.set(pieceKey(batch.round, batch.piece.body), reason);
        return { outcome: 'sent', entries, bytes: 0, last: false };
      }
      await exchange.database.write({ now: exchange.now }, (transaction) => {
        if (source) setAside(transaction, source, reason, batch.trim.notes);
      });
    }
  }
  await acknowledge(exchange, await exchange.database.read(needState), batch);
  return { outcome: 'sent', entries, bytes: 0, last: false };
}

interface Wanted {
  readonly sending: readonly Sending[];
  /** With the state of the hub in which it lacked them. */
  readonly state: SyncState;
}

/** Of what is offered, what the hub does not hold yet; undefined when the hub has changed. */
async function lacking(
  exchange: Exchange,
  state: SyncState,
  batch: Batch,
): Promise<Wanted | undefined> {
  const offered = batch.sending.filter((one) => one.offered);
  const { emptyEpoch } = exchange.memory;
  if (offered.length === 0 || emptyEpoch === state.epoch.token) {
    return { sending: batch.sending, state };
  }
  const asked = await askHub(exchange.hub, state, [
    lackingStatement(offered.map((one) => one.entry)),
  ]);
  if (!asked || !isAsKnown(asked.meta, state)) return undefined;
  const known = await rememberAnswer(exchange, state, asked.meta);
  if (!known) return undefined;
  const wanted = new Set((asked.answers[0] ?? []).map((row) => offered[Number(row[0])]));
  return { sending: batch.sending.filter((one) => !one.offered || wanted.has(one)), state: known };
}

/**
 * What the hub does not lack is left out of the push: so a hub that goes back to before this answer
 * has to be noticed, and the state in which it answered is remembered.
 */
async function rememberAnswer(
  exchange: Exchange,
  state: SyncState,
  meta: HubMeta,
): Promise<SyncState | undefined> {
  return exchange.database.write({ now: exchange.now }, (transaction) => {
    if (!sameAsk(needState(transaction), state)) return undefined;
    savePair(transaction, meta.head);
    if (sameMark(meta.mine, state.sent)) saveAcked(transaction, state.sent);
    return needState(transaction);
  });
}

function isAsKnown(meta: HubMeta, state: SyncState): boolean {
  const known = sameMark(meta.mine, state.acked) || sameMark(meta.mine, state.sent);
  const same = meta.storeId === state.storeId && sameMark(meta.epoch, state.epoch);
  return same && meta.hasPair && known && !meta.revoked;
}

/** Saves number and token of the push before it goes; both stay until it is acknowledged. */
async function prepare(
  exchange: Exchange,
  state: SyncState,
): Promise<(Ask & { sent: Mark }) | undefined> {
  return exchange.database.write({ now: exchange.now }, (transaction) => {
    const held = needState(transaction);
    if (!sameAsk(held, state)) return undefined;
    if (held.sent && !sameMark(held.sent, held.acked)) return { ...askOf(held), sent: held.sent };
    const number = Math.max(held.sent?.number ?? 0, held.acked?.number ?? 0) + 1;
    const sent = { number, token: randomBytes(16).toString('hex') };
    saveSent(transaction, sent);
    return { ...askOf(held), sent };
  });
}

/** Without what else stands in the state: keys, names, paths. */
export function askOf(state: Ask): Ask {
  const { device, storeId, epoch, cursor, pair, acked, sent, floorMs } = state;
  return { device, storeId, epoch, cursor, pair, acked, sent, floorMs };
}

async function send(
  exchange: Exchange,
  ask: Ask & { sent: Mark },
  batch: Batch,
  sending: readonly Sending[],
): Promise<Pushed> {
  const entries = sending.map((one) => one.entry);
  const statements = pushStatements(ask, entries, exchange.info);
  const [asked, next] = await Promise.all([
    askHub(exchange.hub, ask, statements, 'write'),
    // What goes wrong with it is told when it is read again.
    readAhead(exchange, ask, batch).catch(() => undefined),
  ]);
  if (!asked || Number(asked.answers[0]?.[0]?.[0]) !== 1) return STALE;
  const answer = {
    meta: asked.meta,
    returned: asked.answers[2] ?? [],
    reached: asked.answers.at(-1),
  };
  const state = await takeAnswer(exchange, ask, batch, sending, answer);
  if (!state) return STALE;
  // What came back was stamped anew, and so may be what was read ahead.
  if (next && answer.returned.length === 0) exchange.memory.next = { state, batch: next };
  exchange.memory.grow();
  const bytes = entries.reduce((sum, entry) => sum + entry.payload.length, 0);
  // What came back is stamped anew and goes once more.
  const last = batch.last && answer.returned.length === 0;
  return { outcome: 'sent', entries: entries.length, bytes, last };
}

interface Answer {
  readonly meta: HubMeta;
  /** Place in the list and the version that the hub holds. */
  readonly returned: readonly HubRow[];
  readonly reached: readonly HubRow[] | undefined;
}

async function takeAnswer(
  exchange: Exchange,
  ask: Ask & { sent: Mark },
  batch: Batch,
  sending: readonly Sending[],
  answer: Answer,
): Promise<SyncState | undefined> {
  const returned = new Map(answer.returned.map((row) => [Number(row[0]), row[1] as string | null]));
  const accepted = sending.filter((_, i) => !returned.has(i));
  // By the hub's clock: ours was wrong where anything came back.
  const now = returned.size > 0 ? () => answer.meta.nowMs : exchange.now;
  return exchange.database.write({ now }, (transaction) => {
    const held = needState(transaction);
    if (!sameIdentity(ask, held)) return undefined;
    if (sameMark(ask.sent, held.sent)) saveAcked(transaction, ask.sent);
    const [head, token] = answer.reached?.[0] ?? [];
    savePair(transaction, { number: Number(head), token: String(token) });
    // Nobody wrote between what was read last and this push: what lies there now is our own.
    if (held.cursor === ask.cursor && answer.meta.head.number === held.cursor) {
      saveCursor(transaction, Number(head));
    }
    for (const { entry } of accepted)
      if (entry.ms !== null) raiseFloor(transaction, clockOf(entry.version));
    trimBatch(exchange, transaction, held, batch);
    forgetSetAside(transaction, accepted);
    if (returned.size > 0) stampAnew(transaction, sending, returned, answer.meta);
    return needState(transaction);
  });
}

/** Without a push: everything in the batch is on the hub already. */
async function acknowledge(exchange: Exchange, state: SyncState, batch: Batch): Promise<void> {
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
 */
function stampAnew(
  transaction: Transaction,
  sending: readonly Sending[],
  returned: ReadonlyMap<number, string | null>,
  meta: HubMeta,
): void {
  const { floor } = needState(transaction);
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
    transaction.restamp(table, source.rowId, source.register, held);
  }
}

/** Whether it is the rows that the hub cannot take, and not the hub that cannot be asked. */
async function isRowsFault(exchange: Exchange, ask: Ask, error: unknown): Promise<boolean> {
  if (error instanceof HubTooLargeError) return true;
  if (!(error instanceof HubRefusedError)) return false;
  const asked = await askHub(exchange.hub, ask, []).catch(() => null);
  return asked !== null;
}
