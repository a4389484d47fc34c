import {
  HubRefusedError,
  HubTakesNothingError,
  HubTooLargeError,
  HubUnreachableError,
} from '../errors.ts';
import { acknowledge, takeAnswer } from './acknowledge.ts';
import { sameAsk, sameMark, type Ask } from './ask.ts';
import { clockOffset } from './clock-offset.ts';
import type { Exchange } from './exchange.ts';
import { noTrim, pieceKey, type Batch, type Sending } from './gathering.ts';
import { askHub, type HubSeen } from './hub-meta.ts';
import { lacking } from './lacking.ts';
import { newMark } from './push-mark.ts';
import { pushRequest, type Outgoing, type PushAsk, type Taken } from './push-statements.ts';
import { readAhead, readNext, takeAhead } from './read-ahead.ts';
import { setAside } from './set-aside.ts';
import { knownFloor, needState, saveSent, type SyncState } from './state.ts';
import { takesEntries } from './takes-entries.ts';

/** `idle`: nothing to send; `sent`: there may be more; `stale`: the hub is not as we know it, pull first. */
export interface Pushed {
  readonly outcome: 'idle' | 'sent' | 'stale';
  /** Entries that went to the hub. */
  readonly entries: number;
  readonly bytes: number;
  /** Nothing was left when it was read: what was written since is for the next exchange. */
  readonly last: boolean;
  /** Some of it came back, was stamped anew, and is to go once more. */
  readonly returned?: boolean;
  /** The hub after the push that it took, and whether its feed tells of that. */
  readonly meta?: HubSeen;
  readonly changed?: boolean;
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
  const ask = await prepare(exchange, wanted.state, batch);
  if (!ask) return STALE;
  try {
    return await send(exchange, ask, batch, sending);
  } catch (error) {
    if (error instanceof HubUnreachableError) memory.batchLost();
    if (!(await isRowsFault(exchange, error))) throw error;
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
  const nothing = noTrim();
  let entries = 0;
  for (const one of sending) {
    const state = await exchange.database.read(needState);
    const ask = await prepare(exchange, state, batch);
    if (!ask) return STALE;
    try {
      const alone = { ...batch, trim: nothing, refused: [], last: true };
      const sent = await send(exchange, ask, alone, [one]);
      if (sent.outcome !== 'sent') return sent;
      entries++;
    } catch (error) {
      if (!(await isRowsFault(exchange, error))) throw error;
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

/** Saves number and token of the push before it goes; both stay until it is acknowledged. */
async function prepare(
  exchange: Exchange,
  state: SyncState,
  { lock }: Batch,
): Promise<PushAsk | undefined> {
  return exchange.database.write({ now: exchange.now }, (transaction) => {
    const held = needState(transaction);
    if (!sameAsk(held, state)) return undefined;
    const ask = { ...askOf(held, exchange.now()), keyCheck: lock };
    if (held.sent && !sameMark(held.sent, held.acked)) return { ...ask, sent: held.sent };
    const number = Math.max(held.sent?.number ?? 0, held.acked?.number ?? 0) + 1;
    const sent = newMark(exchange.ring, held.device, number);
    saveSent(transaction, sent);
    return { ...ask, sent };
  });
}

/** Without what else stands in the state: keys, names, paths. */
export function askOf(state: SyncState, now: number): Ask {
  const { device, storeId, epoch, cursor, pair, acked, sent } = state;
  return { device, storeId, epoch, cursor, pair, acked, sent, floorMs: knownFloor(state, now).ms };
}

async function send(
  exchange: Exchange,
  ask: PushAsk,
  batch: Batch,
  sending: readonly Sending[],
): Promise<Pushed> {
  const entries = sending.map((one) => one.entry);
  const before = exchange.now();
  const [taken, next] = await Promise.all([
    offerTo(exchange, ask, entries).then(
      (answer) => answer && { ...answer, after: exchange.now() },
    ),
    // What goes wrong with it is told when it is read again.
    readAhead(exchange, ask, batch).catch(() => undefined),
  ]);
  if (!taken) return STALE;
  const { head, nowMs, after, returned, changed } = taken;
  const state = await takeAnswer(exchange, ask, batch, sending, taken);
  if (!state) return STALE;
  // What came back was stamped anew, and so may be what was read ahead.
  if (next && returned.size === 0) exchange.memory.next = { state, batch: next };
  const bytes = entries.reduce((sum, entry) => sum + entry.payload.length, 0);
  exchange.memory.batchArrived(bytes, after - before);
  return {
    outcome: 'sent',
    entries: entries.length,
    bytes,
    last: batch.last && returned.size === 0,
    returned: returned.size > 0,
    changed,
    meta: { head, offsetMs: clockOffset(nowMs, before, after) },
  };
}

/** @returns undefined where the hub is not the one that this device knows or not sound, or there is none */
async function offerTo(
  { hub, info }: Exchange,
  ask: PushAsk,
  entries: readonly Outgoing[],
): Promise<Taken | undefined> {
  const { statements, read } = pushRequest(ask, entries, info);
  try {
    return read(await hub.run(statements, 'write'));
  } catch (error) {
    if (!(error instanceof HubRefusedError)) throw error;
    // Where it does not even answer to this, the rows are not at fault: a pull sets that right, or tells.
    const asked = await askHub(hub, ask, []).catch(refusedAsWell);
    if (!asked?.meta.isSound) return undefined;
    throw error;
  }
}

function refusedAsWell(error: unknown): null {
  if (error instanceof HubRefusedError) return null;
  throw error;
}

/**
 * Whether it is the rows that the hub cannot take, and not the hub that takes nothing.
 *
 * @throws `HubTakesNothingError` then nothing may be set aside: it all goes by itself once the hub is well
 */
async function isRowsFault({ hub }: Exchange, error: unknown): Promise<boolean> {
  if (error instanceof HubTooLargeError) return true;
  if (!(error instanceof HubRefusedError)) return false;
  if (await takesEntries(hub).catch(() => false)) return true;
  throw new HubTakesNothingError(`the hub takes no entry at all: ${error.message}`, {
    cause: error,
  });
}
