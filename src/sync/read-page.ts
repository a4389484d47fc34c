import { HubRefusedError, HubTooLargeError, HubUnreachableError } from '../errors.ts';
import type { Ask } from './ask.ts';
import { clockOffset } from './clock-offset.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Hub } from './hub/hub.ts';
import { askHub } from './hub-meta.ts';
import { replaceLostTables } from './lost-tables.ts';
import { pageStatement, readPage, sizeOf, type PageForm } from './pull-statements.ts';

/**
 * Reads the page after the cursor of `state`; null: there is no hub.
 *
 * @throws the errors of the hub
 */
export async function readHub(exchange: Exchange, hub: Hub, state: Ask): Promise<Answer | null> {
  try {
    return await readHubPage(exchange, hub, state);
  } catch (error) {
    if (error instanceof HubUnreachableError) exchange.memory.pageLost();
    throw error;
  }
}

async function readHubPage(exchange: Exchange, hub: Hub, state: Ask): Promise<Answer | null> {
  const { memory } = exchange;
  const rows = memory.pageRows;
  const read = async (form: PageForm) => {
    const before = exchange.now();
    const asked = await askHub(hub, state, [pageStatement(state.cursor, rows, form)]);
    if (!asked) return null;
    const after = exchange.now();
    const offsetMs = clockOffset(asked.meta.nowMs, before, after);
    const page = readPage(asked.answers[0], rows, form);
    memory.pageArrived(sizeOf(page), after - before);
    return { meta: { ...asked.meta, offsetMs }, page };
  };
  try {
    return await read(rows === 1 ? 'rows' : 'packed');
  } catch (error) {
    if (error instanceof HubTooLargeError && memory.shrinkPage()) {
      return readHubPage(exchange, hub, state);
    }
    if (!isAboutText(error)) throw error;
    if (await hasLostTables(exchange, hub, state)) return readHub(exchange, hub, state);
    return read('bytes');
  }
}

/** A hub that lacks a table gets it back; a copy of it is not what lost it. */
async function hasLostTables(exchange: Exchange, hub: Hub, { storeId }: Ask): Promise<boolean> {
  if (hub !== exchange.hub || storeId === null) return false;
  const isReplaced = await replaceLostTables(hub, storeId);
  if (isReplaced) exchange.memory.repairs.tell('the hub had lost a table, which was made anew');
  return isReplaced;
}

/**
 * One row of broken text fails the whole page (sqld answers with status 500), unless text is read as
 * bytes. Where nothing was answered it is not that, and to ask again would only double the wait.
 */
export function isAboutText(error: unknown): boolean {
  if (error instanceof HubUnreachableError) return error.cause === undefined;
  return error instanceof HubRefusedError;
}
