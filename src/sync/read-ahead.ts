import { setImmediate } from 'node:timers/promises';
import { sameAsk, type Ask } from './ask.ts';
import { readBatch } from './batch.ts';
import type { Batch } from './gathering.ts';
import { followState, type Exchange, type Next } from './exchange.ts';
import { NO_KEYS } from './keys/group-key.ts';
import { needState } from './state.ts';

/** Reads what the hub has not acknowledged, and the state that it is to be sent in. */
export async function readNext(exchange: Exchange): Promise<Next> {
  const { limits, pieces, refusedBodies } = exchange.memory;
  return exchange.database.read((reader) => {
    const state = needState(reader);
    followState(exchange, state);
    const { ring } = exchange;
    const blocked = state.storeId === null || state.copied || state.refused;
    const batch = blocked
      ? undefined
      : readBatch(reader, state, ring, limits, pieces, refusedBodies);
    return { state, batch };
  });
}

/** The batch that was read while the former one was on its way. */
export function takeAhead({ memory }: Exchange): Next | undefined {
  const { next } = memory;
  memory.next = undefined;
  return next;
}

/**
 * Reads the batch that follows one that is on its way, without what that one carries: in the state
 * that it was asked in, and to be sent only after it was acknowledged whole.
 */
export async function readAhead(
  exchange: Exchange,
  ask: Ask,
  batch: Batch,
): Promise<Batch | undefined> {
  if (batch.last || batch.piece || batch.refused.length > 0) return undefined;
  const { database, ring, memory } = exchange;
  const { limits, pieces, refusedBodies } = memory;
  // The request goes out first: reading and sealing keep the thread.
  await setImmediate();
  await setImmediate();
  return database.read((reader) => {
    const held = needState(reader);
    if (!sameAsk(ask, held) || held.round !== batch.round) return undefined;
    if ((held.keyCheck ?? NO_KEYS) !== batch.lock) return undefined;
    return readBatch(reader, held, ring, limits, pieces, refusedBodies, batch.trim);
  });
}
