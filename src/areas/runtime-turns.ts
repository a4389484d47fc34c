import { storeBody } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { workedOnAt } from '../db/worked-on.ts';
import { ConflictError } from '../errors.ts';
import { addDetails } from '../model/record-body.ts';
import { runtimeThreads, runtimeTurns as table } from '../model/registers.ts';
import type {
  CheckedTurnFinish,
  CheckedTurnSave,
  RuntimeTurn,
  SavedTurn,
} from '../model/runtime.ts';
import { insertEvents, prepareEvents } from './event-rows.ts';
import type { PreparedItem } from './large-details.ts';
import { newId } from './new-id.ts';
import { announceItems, indexOpenItems, saveItem } from './runtime-items.ts';
import {
  OPEN,
  bodyOf,
  findThread,
  findTurn,
  isOpen,
  needThread,
  needTurn,
  readTurn,
  turnPayload,
  type TurnRow,
} from './runtime-rows.ts';

/**
 * Adds a turn to the end of a thread and makes it the latest one.
 *
 * @throws `ConflictError` the id is taken, or another turn of the thread is active
 */
export function insertTurn(
  transaction: Transaction,
  threadId: string,
  turn: CheckedTurnSave['turn'],
): TurnRow {
  const now = transaction.now();
  const id = turn.id ?? newId('turn', now);
  const status = turn.status ?? 'completed';
  if (turn.id !== undefined && findTurn(transaction, id)) {
    throw new ConflictError(`the turn ${id} exists already`);
  }
  if (isOpen(status)) refuseSecond(transaction, threadId, id);
  const createdAt = turn.createdAt ?? now;
  transaction.insert(table, {
    id,
    thread_id: threadId,
    position: transaction.number(
      'select max(position) + 1 from runtime_turns where thread_id = ?',
      [threadId],
    ),
    status,
    attempt: 1,
    owner: transaction.device,
    input_summary: turn.inputSummary ?? '',
    error: turn.error ?? null,
    created_at: createdAt,
    started_at: turn.startedAt ?? (status === 'queued' ? null : createdAt),
    ended_at: turn.endedAt ?? (isOpen(status) ? null : now),
    ...storeBody(transaction, JSON.stringify(turn.details)),
  });
  transaction.carryOn(runtimeThreads, threadId, { latest_turn_id: id });
  return workedOn(transaction, id);
}

/**
 * Goes on from a turn that was the latest here, where what has come for its thread knew of none after
 * an earlier one.
 */
export function keepLatestTurn(transaction: Transaction, threadId: string, turnId: string): void {
  const later = transaction.rows(
    `select 1 from runtime_threads h left join runtime_turns now on now.id = h.latest_turn_id
     join runtime_turns was on was.id = ?2 and was.thread_id = h.id
     where h.id = ?1 and (h.latest_turn_id is null or was.position > now.position)`,
    [threadId, turnId],
  );
  if (later.length > 0) transaction.carryOn(runtimeThreads, threadId, { latest_turn_id: turnId });
}

/**
 * The same once the turn that its thread calls the latest comes, which may be after the thread: only
 * then can be told that one of this device is later.
 */
export function keepOwnTurn(transaction: Transaction, latestId: string): void {
  const [own] = transaction.rows(
    `select h.id, own.id from runtime_turns latest
     join runtime_threads h on h.id = latest.thread_id and h.latest_turn_id = latest.id
     join runtime_turns own on own.thread_id = h.id and own.owner = ? and own.position > latest.position
     where latest.id = ? order by own.position desc limit 1`,
    [transaction.device, latestId],
  );
  if (!own) return;
  transaction.carryOn(runtimeThreads, own[0] as string, { latest_turn_id: own[1] as string });
}

/** A thread was worked on at the times of its turns: as a sync derives it of the same columns. */
export function workedOn(transaction: Transaction, turnId: string): TurnRow {
  const turn = needTurn(transaction, turnId);
  const thread = findThread(transaction, turn.thread_id);
  // A turn can have come from another device before its thread.
  if (!thread) return turn;
  const { created_at: createdAt, started_at: startedAt, ended_at: endedAt } = turn;
  const at = Math.max(thread.updated_at, createdAt, startedAt ?? 0, endedAt ?? 0);
  transaction.update(runtimeThreads, thread.id, { updated_at: workedOnAt(at, transaction.now()) });
  return turn;
}

/** The turn of a thread that is under way. */
export function activeTurn(reader: Reader, threadId: string): string | undefined {
  const [row] = reader.rows(
    `select id from runtime_turns where thread_id = ? and ${OPEN} limit 1`,
    [threadId],
  );
  return row?.[0] as string | undefined;
}

function refuseSecond(reader: Reader, threadId: string, id: string): void {
  const active = activeTurn(reader, threadId);
  if (active !== undefined && active !== id) {
    throw new ConflictError(`the thread ${threadId} has an active turn, ${active}`);
  }
}

export function announceTurn(
  transaction: Transaction,
  turn: RuntimeTurn,
  type: 'turn.started' | 'turn.completed',
  more: Record<string, unknown> = {},
): void {
  const payload = { turn: turnPayload(turn), ...more };
  insertEvents(transaction, turn.threadId, prepareEvents([{ type, turnId: turn.id, payload }]));
}

/** Ends a turn, once, with items. @throws `ConflictError` it has ended already */
export function finishTurn(
  transaction: Transaction,
  turnId: string,
  finish: CheckedTurnFinish,
  items: readonly PreparedItem[],
): RuntimeTurn {
  const turn = needTurn(transaction, turnId);
  if (!isOpen(turn.status)) {
    throw new ConflictError(`the turn ${turnId} has ended already: it is ${turn.status}`);
  }
  const saved = items.map((item) => saveItem(transaction, turn, item));
  announceItems(transaction, turn, saved);
  const now = transaction.now();
  transaction.update(table, turnId, {
    status: finish.status,
    error: finish.error ?? null,
    ended_at: finish.endedAt ?? now,
    ...turnBody(transaction, turnId, finish.details),
  });
  workedOn(transaction, turnId);
  indexOpenItems(transaction, turn);
  const ended = readTurn(transaction, turnId);
  announceTurn(transaction, ended, 'turn.completed');
  return ended;
}

/** Saves a turn with its items and events as the caller gives them, and nothing else. */
export function saveTurn(
  transaction: Transaction,
  threadId: string,
  input: CheckedTurnSave,
  prepared: readonly PreparedItem[],
): SavedTurn {
  needThread(transaction, threadId);
  const known = input.turn.id === undefined ? undefined : findTurn(transaction, input.turn.id);
  const turn = known
    ? changeTurn(transaction, threadId, known, input.turn)
    : insertTurn(transaction, threadId, input.turn);
  const status = isOpen(turn.status) ? 'in_progress' : 'completed';
  const items = prepared.map((item) => saveItem(transaction, turn, item, { status }).item);
  const given = input.event ? [...input.events, input.event] : input.events;
  const events = insertEvents(
    transaction,
    threadId,
    prepareEvents(given.map((event) => ({ ...event, turnId: event.turnId ?? turn.id }))),
  );
  return { turn: readTurn(transaction, turn.id), items, events };
}

function changeTurn(
  transaction: Transaction,
  threadId: string,
  old: TurnRow,
  input: CheckedTurnSave['turn'],
): TurnRow {
  if (old.thread_id !== threadId) {
    throw new ConflictError(`the turn ${old.id} belongs to another thread, ${old.thread_id}`);
  }
  const now = transaction.now();
  const status = input.status ?? old.status;
  if (isOpen(status)) refuseSecond(transaction, threadId, old.id);
  const lifecycle = {
    status,
    error: input.error === undefined ? old.error : input.error,
    started_at: input.startedAt ?? old.started_at ?? (status === 'queued' ? null : now),
    ended_at: input.endedAt ?? old.ended_at ?? (isOpen(status) ? null : now),
  } satisfies Row;
  const same = Object.entries(lifecycle).every(
    ([key, value]) => old[key as keyof TurnRow] === value,
  );
  if (!isOpen(old.status) && !same) {
    throw new ConflictError(`the turn ${old.id} is ${old.status}: it does not run again`);
  }
  transaction.update(table, old.id, {
    ...lifecycle,
    input_summary: input.inputSummary ?? old.input_summary,
    created_at: input.createdAt ?? old.created_at,
    ...turnBody(transaction, old.id, input.details),
  });
  if (isOpen(old.status) && !isOpen(status)) indexOpenItems(transaction, old);
  return workedOn(transaction, old.id);
}

/** The columns of a turn's body with more details in it. */
export function turnBody(
  transaction: Transaction,
  id: string,
  details: Readonly<Record<string, unknown>>,
): Row {
  if (Object.keys(details).length === 0) return {};
  return {
    ...storeBody(transaction, addDetails(bodyOf(transaction, 'runtime_turns', id), details)),
  };
}
