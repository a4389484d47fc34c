import { ClosedError, HubRefusedError, HubTooLargeError, StoreError } from '../errors.ts';
import { sameMark } from './ask.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Hub } from './hub/hub.ts';
import { heldStatement, readHeld, type Entry } from './pull-statements.ts';
import { isAboutText, readHub } from './read-page.ts';
import type { SyncState } from './state.ts';

/**
 * Reads the page after the cursor from a copy of the hub; null: it is to be read from the hub itself.
 *
 * A copy is read only while it is one of the very hub, state and all, that we know. Under another lock
 * some of it may be sealed with a key that is not here: the rest would come before that.
 */
export async function readCopy(exchange: Exchange, state: SyncState): Promise<Answer | null> {
  const { hub, replica, memory } = exchange;
  const copy = state.storeId === null ? undefined : await replica?.hub(memory.gap);
  if (!replica || !copy) return null;
  const answer = await readHub(exchange, copy, state).catch((error: unknown) => {
    if (error instanceof HubRefusedError) return null;
    if (!(error instanceof StoreError) || error instanceof ClosedError) throw error;
    replica.giveUp(error);
    return null;
  });
  if (!answer || answer.page.entries.length === 0) return null;
  const { meta, page } = answer;
  const ours = meta.storeId === state.storeId && sameMark(meta.epoch, state.epoch) && meta.hasPair;
  if (!ours || !meta.isSound || meta.keyCheck !== state.keyCheck) return null;
  const isWhole = await holdsAll(hub, state.cursor, page.entries);
  if (isWhole === false) replica.discard();
  return isWhole ? answer : null;
}

/**
 * Whether a page of a copy has everything that the hub holds there. libSQL copies what lies after the
 * frame that it has: of a hub that was put back to an older state and went on it takes the later pages
 * alone, and is then a mixture of two histories that lacks entries and looks sound.
 *
 * @returns undefined: the hub cannot be asked so
 */
async function holdsAll(
  hub: Hub,
  cursor: number,
  entries: readonly Entry[],
): Promise<boolean | undefined> {
  const read = new Set(
    entries.map(({ seq, table, id, register, version }) =>
      JSON.stringify([seq, table, id, register, version]),
    ),
  );
  try {
    const [held] = await hub.run([heldStatement(cursor, entries.at(-1)?.seq ?? cursor)], 'read');
    return readHeld(held).every((row) => read.has(JSON.stringify(row)));
  } catch (error) {
    if (isAboutText(error) || error instanceof HubTooLargeError) return undefined;
    throw error;
  }
}
