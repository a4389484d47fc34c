import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import type { CheckedEvent, EventPage, RuntimeEvent } from '../model/event.ts';
import { formatTime } from '../model/time.ts';
import { newUlid } from './new-id.ts';

const COLUMNS = [
  'id',
  'thread_id',
  'turn_id',
  'item_id',
  'seq',
  'type',
  'created_at',
  'device',
  'body',
  'body_hash',
] as const;

const NAMES = COLUMNS.join(', ');
const INSERT = `insert into runtime_events (${NAMES}) values (${COLUMNS.map(() => '?').join(', ')})`;
const INSERT_ALL = `insert into runtime_events (${NAMES})
  select ${COLUMNS.map((_, i) => `value ->> ${i}`).join(', ')} from json_each(?)`;
/** From here on one statement for all of them is faster than one statement each. */
const MANY = 8;

interface EventRow extends BodyColumns {
  readonly id: string;
  readonly thread_id: string;
  readonly turn_id: string | null;
  readonly item_id: string | null;
  readonly seq: number;
  readonly type: string;
  readonly created_at: number;
  readonly device: string;
}

/** An event with its payload as the text that is stored. */
export interface NewEvent extends CheckedEvent {
  readonly json: string;
}

/** Renders the payloads, before the transaction, so that the lock is not held meanwhile. */
export function prepareEvents(events: readonly CheckedEvent[]): NewEvent[] {
  return events.map((event) => ({ ...event, json: JSON.stringify(event.payload ?? null) }));
}

/** Adds events to a thread under the next numbers. */
export function insertEvents(
  transaction: Transaction,
  threadId: string,
  events: readonly NewEvent[],
): RuntimeEvent[] {
  const now = transaction.now();
  const device = transaction.device;
  const last = lastSeq(transaction, threadId);
  const records = events.map((event, i) => ({
    id: newUlid(now),
    threadId,
    turnId: event.turnId ?? null,
    itemId: event.itemId ?? null,
    seq: last + 1 + i,
    type: event.type,
    at: formatTime(event.at ?? now),
    device,
    payload: event.payload ?? null,
  }));
  const rows = records.map((record, i): Value[] => {
    const event = events[i] as NewEvent;
    const body = storeBody(transaction, event.json);
    return [
      record.id,
      threadId,
      record.turnId,
      record.itemId,
      record.seq,
      record.type,
      event.at ?? now,
      device,
      body.body,
      body.body_hash,
    ];
  });
  if (rows.length > MANY) transaction.run(INSERT_ALL, [JSON.stringify(rows)]);
  else for (const row of rows) transaction.run(INSERT, row);
  return records;
}

function lastSeq(reader: Reader, threadId: string): number {
  return reader.number('select max(seq) from runtime_events where thread_id = ?', [threadId]);
}

/** The events after `seq`, oldest first. */
export function eventsAfter(
  reader: Reader,
  threadId: string,
  seq: number,
  limit: number,
): EventPage {
  const rows = reader.list<EventRow>(
    COLUMNS,
    'from runtime_events where thread_id = ? and seq > ? order by seq limit ?',
    [threadId, seq, limit],
  );
  return toPage(reader, rows, seq);
}

/** The last `count` events, oldest first. */
export function lastEvents(reader: Reader, threadId: string, count: number): EventPage {
  const rows = reader.list<EventRow>(
    COLUMNS,
    'from runtime_events where thread_id = ? order by seq desc limit ?',
    [threadId, count],
  );
  return toPage(reader, rows.toReversed(), 0);
}

function toPage(reader: Reader, rows: readonly EventRow[], seq: number): EventPage {
  const items = rows.map((row) => ({
    id: row.id,
    threadId: row.thread_id,
    turnId: row.turn_id,
    itemId: row.item_id,
    seq: row.seq,
    type: row.type,
    at: formatTime(row.created_at),
    device: row.device,
    payload: JSON.parse(loadBody(reader, row)) as unknown,
  }));
  return { items, nextSeq: items.at(-1)?.seq ?? seq };
}
