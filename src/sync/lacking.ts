import { sameAsk, sameMark } from './ask.ts';
import type { Exchange } from './exchange.ts';
import type { Batch, Sending } from './gathering.ts';
import { askHub, type HubMeta } from './hub-meta.ts';
import type { HubStatement } from './hub/hub.ts';
import { needState, saveAcked, savePair, type SyncState } from './state.ts';

interface EntryKey {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  readonly version: string;
  readonly keyNumber: number;
}

const LACKING = `select r.key from json_each(?1) r
  left join hub_entries e
    on e.table_name = r.value ->> 0 and e.id = r.value ->> 1 and e.register = r.value ->> 2
  where e.seq is null or r.value ->> 3 > e.version
    or (r.value ->> 3 = e.version and r.value ->> 4 > e.key_number)`;

/** Which of these the hub does not hold, by their place in the list. */
function lackingStatement(keys: readonly EntryKey[]): HubStatement {
  const list = keys.map((key) => [key.table, key.id, key.register, key.version, key.keyNumber]);
  return { sql: LACKING, params: [JSON.stringify(list)] };
}

/** What of a batch is to be sent. */
export interface Wanted {
  readonly sending: readonly Sending[];
  /** With the state of the hub in which it lacked them. */
  readonly state: SyncState;
}

/** Of what is offered, what the hub does not hold yet; undefined when the hub has changed. */
export async function lacking(
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
  // Whose push that is, is looked at when it is pushed: a token that may only read is told so there.
  if (!knowsUs(asked.meta, state)) return { sending: batch.sending, state };
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
  const same = meta.storeId === state.storeId && sameMark(meta.epoch, state.epoch);
  return same && meta.hasPair && !meta.revoked;
}

function knowsUs({ mine }: HubMeta, { acked, sent }: SyncState): boolean {
  return sameMark(mine, acked) || sameMark(mine, sent);
}
