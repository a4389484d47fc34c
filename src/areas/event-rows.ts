import { documentOf, storeBody } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import type { Document, Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import type { CheckedEvent, EventPage, RuntimeEvent } from '../model/event.ts';
import { NotFoundError } from '../errors.ts';
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

const READ = COLUMNS.slice(0, -2);

const ROW = `(${COLUMNS.map(() => '?').join(', ')})`;
const INSERT = `insert into runtime_events (${COLUMNS.join(', ')}) values`;
const INSERT_ONE = `${INSERT} ${ROW}`;
/**
 * Rows of one statement when there are many: measured, 131k rows a second, where one statement a
 * row takes in 108k and `json_each` over one text 85k to 108k.
 */
const MANY = 50;
const INSERT_MANY = `${INSERT} ${Array<string>(MANY).fill(ROW).join(', ')}`;

interface EventRow extends Document {
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

/**
 * Adds events to a runtime thread under its next numbers.
 *
 * @throws `NotFoundError` no such thread
 */
export function insertEvents(
  transaction: Transaction,
  threadId: string,
  events: readonly NewEvent[],
): RuntimeEvent[] {
  // One statement for all that is asked. An insert that looks for the number itself is slower:
  // SQLite gathers the rows of an `insert … select` from the same table in a temporary one first.
  const end = transaction.first<{ device: string; seq: number | null }>(
    ['d.id as device', '(select max(seq) from runtime_events where thread_id = t.id) as seq'],
    'from device d, runtime_threads t where d.only = 1 and t.id = ?',
    [threadId],
  );
  if (!end) throw new NotFoundError('runtime thread', threadId);
  const { records, params } = render(transaction, threadId, events, {
    device: end.device,
    seq: end.seq ?? 0,
  });
  const width = COLUMNS.length;
  let done = 0;
  for (; done + MANY <= records.length; done += MANY) {
    transaction.run(INSERT_MANY, params.slice(done * width, (done + MANY) * width));
  }
  for (; done < records.length; done++) {
    transaction.run(INSERT_ONE, params.slice(done * width, (done + 1) * width));
  }
  return records;
}

/** The events as records, and as the parameters of an insert, row after row. */
function render(
  transaction: Transaction,
  threadId: string,
  events: readonly NewEvent[],
  end: { readonly device: string; readonly seq: number },
): { records: RuntimeEvent[]; params: Value[] } {
  const now = transaction.now();
  const nowText = formatTime(now);
  const records: RuntimeEvent[] = [];
  const params: Value[] = [];
  let { seq } = end;
  for (const event of events) {
    const record: RuntimeEvent = {
      id: newUlid(now),
      threadId,
      turnId: event.turnId ?? null,
      itemId: event.itemId ?? null,
      seq: ++seq,
      type: event.type,
      at: event.at === undefined ? nowText : formatTime(event.at),
      device: end.device,
      payload: event.payload ?? null,
    };
    records.push(record);
    const { body, body_hash } = storeBody(transaction, event.json);
    params.push(record.id, threadId, record.turnId, record.itemId, seq, record.type);
    params.push(event.at ?? now, record.device, body, body_hash);
  }
  return { records, params };
}

/** The events after `seq`, oldest first. */
export function eventsAfter(
  reader: Reader,
  threadId: string,
  seq: number,
  limit: number,
): EventPage {
  const rows = reader.documents<EventRow>(
    READ,
    'from runtime_events where thread_id = ? and seq > ? order by seq limit ?',
    [threadId, seq, limit],
  );
  return toPage(reader, rows, seq);
}

/** The last `count` events, oldest first. */
export function lastEvents(reader: Reader, threadId: string, count: number): EventPage {
  const rows = reader.documents<EventRow>(
    READ,
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
    payload: documentOf(reader, row),
  }));
  return { items, nextSeq: items.at(-1)?.seq ?? seq };
}
