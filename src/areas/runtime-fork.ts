import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Transaction } from '../db/transaction.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { addDetails } from '../model/record-body.ts';
import { runtimeItems, runtimeThreads, runtimeTurns } from '../model/registers.ts';
import { newId } from './new-id.ts';
import { refusePurged } from './purged.ts';
import { indexItem } from './runtime-items.ts';
import {
  ITEM_COLUMNS,
  OPEN,
  TURN_COLUMNS,
  bodyOf,
  findTurn,
  isOpen,
  needThread,
  needTurn,
  toItem,
  type ItemRow,
  type TurnRow,
} from './runtime-rows.ts';

export interface Fork {
  readonly atTurn?: string | undefined;
  readonly title?: string | null | undefined;
}

/**
 * Copies a thread with its ended turns and their items under new ids; events are not copied.
 *
 * @returns the id of the new thread, whose details name the old one as `forked_from`
 */
export function forkThread(transaction: Transaction, threadId: string, fork: Fork): string {
  refusePurged(transaction, 'runtime_threads', threadId);
  const source = needThread(transaction, threadId);
  const last = fork.atTurn === undefined ? undefined : lastTurn(transaction, threadId, fork.atTurn);
  const now = transaction.now();
  const id = newId('thr', now);
  const body = bodyOf(transaction, 'runtime_threads', threadId);
  const turns = transaction
    .list<TurnRow & BodyColumns>(
      [...TURN_COLUMNS, 'body', 'body_hash'],
      `from runtime_turns where thread_id = ? and not (${OPEN}) order by position, id`,
      [threadId],
    )
    .filter((turn) => last === undefined || isUpTo(turn, last));
  const copies = turns.map((turn) => copyTurn(transaction, turn, id));
  transaction.insert(runtimeThreads, {
    id,
    title: fork.title === undefined ? source.title : fork.title,
    workspace: source.workspace,
    model: source.model,
    mode: source.mode,
    session_id: source.session_id,
    task_id: null,
    latest_turn_id: copies.at(-1) ?? null,
    archived: 0,
    deleted_at: null,
    created_at: now,
    ...storeBody(transaction, addDetails(body, { forked_from: threadId })),
  });
  return id;
}

function lastTurn(transaction: Transaction, threadId: string, id: string): TurnRow {
  const turn = findTurn(transaction, id);
  if (turn?.thread_id !== threadId) throw new NotFoundError(`turn of the thread ${threadId}`, id);
  if (isOpen(turn.status)) throw new ConflictError(`the turn ${id} is under way`);
  return turn;
}

function isUpTo(turn: TurnRow, last: TurnRow): boolean {
  return turn.position < last.position || (turn.position === last.position && turn.id <= last.id);
}

/** The copy keeps the old times, as it tells of the same work. */
function copyTurn(transaction: Transaction, turn: TurnRow & BodyColumns, threadId: string): string {
  const id = newId('turn', transaction.now());
  const { device } = transaction;
  transaction.insert(runtimeTurns, { ...turn, id, thread_id: threadId, owner: device, device });
  const items = transaction.list<ItemRow>(
    ITEM_COLUMNS,
    'from runtime_items where turn_id = ? order by position, id',
    [turn.id],
  );
  const copy = needTurn(transaction, id);
  for (const item of items) copyItem(transaction, item, copy);
  return id;
}

function copyItem(transaction: Transaction, item: ItemRow, turn: TurnRow): void {
  const { device } = transaction;
  const row = { ...item, id: newId('item', transaction.now()), turn_id: turn.id, device };
  transaction.insert(runtimeItems, row);
  indexItem(transaction, turn, toItem(row, loadBody(transaction, item)));
}
