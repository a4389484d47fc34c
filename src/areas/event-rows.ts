import { loadBody, storeJson } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import { isLarge } from '../db/large-bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import type { CheckedEvent, RuntimeEvent } from '../model/event.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { jsonOf, type LongJson } from '../model/long-json.ts';
import { formatTime } from '../model/time.ts';
import { lacksDetail, type PendingEvent, type ReadEvents } from './large-events.ts';
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

const SELECTED = COLUMNS.join(', ');
const ROW = `(${COLUMNS.map(() => '?').join(', ')})`;
const INSERT = `insert into runtime_events (${COLUMNS.join(', ')}) values`;
const INSERT_ONE = `${INSERT} ${ROW}`;
/**
 * Rows of one statement when there are many: measured, 131k rows a second, where one statement a
 * row takes in 108k and `json_each` over one text 85k to 108k.
 */
const MANY = 50;
const INSERT_MANY = `${INSERT} ${Array<string>(MANY).fill(ROW).join(', ')}`;

/** Events with their payloads as the texts that are stored, one each. */
export interface NewEvents {
  readonly events: readonly CheckedEvent[];
  readonly payloads: readonly (string | LongJson)[];
  /** By their places, those that are among the blobs already. */
  readonly hashes?: ReadonlyMap<number, string> | undefined;
}

/** Renders the payloads, before the transaction, so that the lock is not held meanwhile. */
export function prepareEvents(events: readonly CheckedEvent[]): NewEvents {
  return { events, payloads: events.map((event) => jsonOf(event.payload ?? null)) };
}

/**
 * Adds events to a runtime thread under its next numbers.
 *
 * @throws `NotFoundError` no such thread
 * @throws `ConflictError` it was purged
 */
export function insertEvents(
  transaction: Transaction,
  threadId: string,
  added: NewEvents,
): RuntimeEvent[] {
  // One statement for all that is asked. An insert that looks for the number itself is slower:
  // SQLite gathers the rows of an `insert … select` from the same table in a temporary one first.
  const end = transaction.first<{ device: string; seq: number | null; purged: 0 | 1 }>(
    [
      'd.id as device',
      '(select max(seq) from runtime_events where thread_id = t.id) as seq',
      't.purged_at is not null as purged',
    ],
    'from device d, runtime_threads t where d.only = 1 and t.id = ?',
    [threadId],
  );
  if (!end) throw new NotFoundError('runtime thread', threadId);
  if (end.purged === 1) throw new ConflictError(`${threadId} was purged: nothing is left of it`);
  const { records, params } = render(transaction, threadId, added, {
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
  added: NewEvents,
  end: { readonly device: string; readonly seq: number },
): { records: RuntimeEvent[]; params: Value[] } {
  const now = transaction.now();
  const nowText = formatTime(now);
  const records: RuntimeEvent[] = [];
  const params: Value[] = [];
  let { seq } = end;
  for (const [i, event] of added.events.entries()) {
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
    const json = added.payloads[i] ?? 'null';
    const { body, body_hash } = storeJson(transaction, json, added.hashes?.get(i));
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
): ReadEvents {
  const rows = reader.rows(
    `select ${SELECTED} from runtime_events where thread_id = ? and seq > ? order by seq limit ?`,
    [threadId, seq, limit],
  );
  return toPage(reader, rows, seq);
}

/** The last `count` events, oldest first. */
export function lastEvents(reader: Reader, threadId: string, count: number): ReadEvents {
  const rows = reader.rows(
    `select ${SELECTED} from runtime_events where thread_id = ? order by seq desc limit ?`,
    [threadId, count],
  );
  // Where none is asked for, what comes after all of them is what comes next.
  const last = 'select coalesce(max(seq), 0) from runtime_events where thread_id = ?';
  return toPage(reader, rows.toReversed(), count === 0 ? reader.number(last, [threadId]) : 0);
}

/** Plain rows: no column of an event holds a NUL, and they are read at twice the speed of JSON. */
function toPage(reader: Reader, rows: readonly Value[][], seq: number): ReadEvents {
  const pending: PendingEvent[] = [];
  const items = rows.map((row): RuntimeEvent => {
    const columns = { body: row[8] as string | null, body_hash: row[9] as string | null };
    const large = columns.body_hash !== null && isLarge(reader, columns);
    const event = {
      id: row[0] as string,
      threadId: row[1] as string,
      turnId: row[2] as string | null,
      itemId: row[3] as string | null,
      seq: row[4] as number,
      type: row[5] as string,
      at: formatTime(row[6] as number),
      device: row[7] as string,
      payload: large ? undefined : (JSON.parse(loadBody(reader, columns)) as unknown),
    };
    if (large) pending.push({ event, bodyHash: columns.body_hash });
    else if (lacksDetail(event)) pending.push({ event, bodyHash: null });
    return event;
  });
  return { page: { items, nextSeq: items.at(-1)?.seq ?? seq }, pending };
}
