import { isDeepStrictEqual } from 'node:util';
import { loadBody, storeStaged, type BodyColumns } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import type { Reader } from '../db/reader.ts';
import { indexDoc } from '../db/search-index.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { plainText } from '../model/message-text.ts';
import { runtimeItems as table } from '../model/registers.ts';
import type { CheckedRuntimeItem, RuntimeItem } from '../model/runtime.ts';
import { insertEvents, prepareEvents } from './event-rows.ts';
import {
  bodySlices,
  isLargeDetail,
  itemBody,
  withDetail,
  type LargeDetail,
  type PreparedItem,
} from './large-details.ts';
import { detailReference } from './large-events.ts';
import { newId } from './new-id.ts';
import {
  ITEM_COLUMNS,
  OPEN,
  findItem,
  isOpen,
  itemPayload as wholePayload,
  toItem,
  type ItemRow,
  type TurnRow,
} from './runtime-rows.ts';

export interface SavedItem {
  readonly item: RuntimeItem;
  /** What the save did that others want to hear of: it began, or it came to its end. */
  readonly news: 'started' | 'ended' | null;
  /** The blob that its body is now; null where it stands in its row, or did not change. */
  readonly bodyHash: Value;
}

/**
 * Inserts an item of a turn, or changes the one that has its id.
 *
 * @param defaults - the kind and status of a new item that names none
 * @throws `ConflictError` the item has ended and would change, belongs to another turn, or to a
 *   thread that was purged
 */
export function saveItem(
  transaction: Transaction,
  turn: TurnRow,
  prepared: PreparedItem,
  defaults: Partial<CheckedRuntimeItem> = {},
): SavedItem {
  refusePurged(transaction, turn.thread_id);
  const { id } = prepared.input;
  const old = id === undefined ? undefined : findItem(transaction, id);
  const saved = old
    ? changeItem(transaction, turn, old, prepared)
    : insertItem(transaction, turn, prepared, defaults);
  const over = isOpen(saved.item.status) ? !isOpen(turn.status) : saved.news === 'ended';
  if (over) indexItem(transaction, turn, saved.item);
  return saved;
}

function refusePurged(reader: Reader, threadId: string): void {
  const sql = 'select count(*) from runtime_threads where id = ? and purged_at is not null';
  if (reader.number(sql, [threadId]) > 0) {
    throw new ConflictError(`${threadId} was purged: nothing is left of it`);
  }
}

/** Writes the events of saved items into their thread. */
export function announceItems(
  transaction: Transaction,
  turn: TurnRow,
  saved: readonly SavedItem[],
): void {
  const events = saved
    .filter(({ news }) => news !== null)
    .map(({ item, news, bodyHash }) => ({
      type: `item.${news === 'started' ? 'started' : item.status}`,
      turnId: turn.id,
      itemId: item.id,
      payload: { item: itemPayload(item, bodyHash) },
    }));
  if (events.length > 0) insertEvents(transaction, turn.thread_id, prepareEvents(events));
}

function itemPayload(item: RuntimeItem, bodyHash: Value): Record<string, unknown> {
  const payload = wholePayload(item);
  // Once is enough: the event names the body that has it.
  if (typeof bodyHash !== 'string' || !isLargeDetail(item.detail)) return payload;
  return { ...payload, detail: detailReference(bodyHash) };
}

function insertItem(
  transaction: Transaction,
  turn: TurnRow,
  { input, large }: PreparedItem,
  defaults: Partial<CheckedRuntimeItem>,
): SavedItem {
  const kind = input.kind ?? defaults.kind;
  if (kind === undefined) throw new InvalidInputError('item kind: a new item needs one');
  const now = transaction.now();
  const status = input.status ?? defaults.status ?? 'in_progress';
  const body = itemBody('{}', input);
  const row = {
    id: input.id ?? newId('item', now),
    turn_id: turn.id,
    position: transaction.number('select max(position) + 1 from runtime_items where turn_id = ?', [
      turn.id,
    ]),
    kind,
    status,
    attempt: 1,
    summary: input.summary ?? '',
    started_at: input.startedAt ?? (status === 'queued' ? null : now),
    ended_at: input.endedAt ?? (isOpen(status) ? null : now),
  };
  const columns = bodyColumns(transaction, status, body, large);
  transaction.insert(table, { ...row, ...columns });
  return {
    item: withDetail(toItem({ ...row, device: transaction.device }, body), large),
    news: isOpen(status) ? 'started' : 'ended',
    bodyHash: columns.body_hash,
  };
}

function changeItem(
  transaction: Transaction,
  turn: TurnRow,
  old: ItemRow,
  { input, large }: PreparedItem,
): SavedItem {
  if (old.turn_id !== turn.id) {
    throw new ConflictError(`the item ${old.id} belongs to another turn, ${old.turn_id}`);
  }
  const now = transaction.now();
  const oldBody = loadBody(transaction, old);
  const body = itemBody(oldBody, input);
  const status = input.status ?? old.status;
  const open = isOpen(status);
  const columns = {
    kind: input.kind ?? old.kind,
    status,
    summary: input.summary ?? old.summary,
    started_at: input.startedAt ?? old.started_at ?? (status === 'queued' ? null : now),
    ended_at: input.endedAt ?? old.ended_at ?? (open ? null : now),
  } satisfies Row;
  const item = withDetail(toItem({ ...old, ...columns }, body), large);
  if (!isOpen(old.status)) {
    if (isDeepStrictEqual(item, toItem(old, oldBody))) return { item, news: null, bodyHash: null };
    throw new ConflictError(`the item ${old.id} is ${old.status}: it changes no more`);
  }
  const stored = bodyColumns(transaction, status, body, large);
  transaction.update(table, old.id, { ...columns, ...stored });
  return { item, news: open ? null : 'ended', bodyHash: stored.body_hash };
}

/**
 * An item that streams keeps its body in the row, however large: every save of it as a blob would
 * leave the blob before behind.
 */
function bodyColumns(
  transaction: Transaction,
  status: string,
  body: string,
  large: LargeDetail | undefined,
): { [K in keyof BodyColumns]: Value } {
  const text = () => (large ? [...bodySlices(body, large)].join('') : body);
  if (isOpen(status)) return { body: text(), body_hash: null };
  return storeStaged(transaction, text, large?.body === body ? large.hash : undefined);
}

/** Indexes what is left open in a turn that ends: from then on it is searched. */
export function indexOpenItems(transaction: Transaction, turn: TurnRow): void {
  const open = transaction.list<ItemRow>(
    ITEM_COLUMNS,
    `from runtime_items where turn_id = ? and ${OPEN}`,
    [turn.id],
  );
  for (const row of open) indexItem(transaction, turn, toItem(row, loadBody(transaction, row)));
}

/** When it has ended or its turn has, see `searched-items.ts`. */
export function indexItem(transaction: Transaction, turn: TurnRow, item: RuntimeItem): void {
  const at = item.endedAt === null ? transaction.now() : Date.parse(item.endedAt);
  indexDoc(
    transaction,
    { kind: 'item', refId: item.id, ownerId: turn.thread_id, at },
    plainText(item.summary, item.detail),
  );
}
