import { createHash } from 'node:crypto';
import { lackingDetail, wholePayload } from '../../areas/large-events.ts';
import { noteItem, noteItemsOf } from '../../areas/searched-items.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import { importPlain } from '../../db/import-row.ts';
import type { Transaction } from '../../db/transaction.ts';
import { objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import { eventLine, keptOfLine } from '../../model/legacy-lines.ts';
import { runtimeItems, runtimeThreads, runtimeTurns } from '../../model/registers.ts';
import { formatTime, parseTime } from '../../model/time.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import { isDerivedId, legacyId } from '../export/legacy-names.ts';
import { storeRecordText } from './large-parts.ts';
import { claimedRow } from './plain-rows.ts';
import { linkTurn, taskOfThread, turnOfThread } from './link-clashes.ts';
import {
  eventHead,
  formerly,
  logIdOf,
  requiredTime,
  shortId,
  text,
  textOrNull,
  time,
  type Apply,
  type Columns,
  type HomeContext,
  type ImportRecord,
} from './record.ts';
import { takeRow } from './take-row.ts';

/** After every item that its turn lists, in the order of their start. */
const UNLISTED = 1_000_000;
/** The microseconds from here to 2^53 are kept for times that have more. */
const MICROS_MAX = 9e15;
const NEVER_STARTED = MICROS_MAX;

export const applyThread: Apply = (transaction, record, context) => {
  const updatedAt = requiredTime(record.value, 'updated_at');
  const ids = context.rowIdOf(record);
  const columns: Columns = (value) => ({
    title: textOrNull(value, 'title'),
    workspace: text(value, 'workspace'),
    model: text(value, 'model'),
    mode: text(value, 'mode'),
    session_id: textOrNull(value, 'session_id'),
    task_id: taskOfThread(transaction, value, ids.id, context),
    latest_turn_id: turnOfThread(transaction, value, ids.id, context),
    archived: value['archived'] === true ? 1 : 0,
    created_at: requiredTime(value, 'created_at'),
  });
  return takeRow(
    transaction,
    { record, context },
    runtimeThreads,
    {
      ...ids,
      ...columns(record.value),
      deleted_at: null,
      updated_at: updatedAt,
      ...storeRecordText(transaction, record, record.raw),
    },
    updatedAt,
    formerly(columns),
  );
};

export const applyTurn: Apply = (transaction, record, context) => {
  const { value } = record;
  const createdAt = requiredTime(value, 'created_at');
  const threadId = context.idOf('threads', text(value, 'thread_id'));
  const ids = context.rowIdOf(record);
  if (ids.legacy_id !== null) linkTurn(transaction, threadId, ids.legacy_id, ids.id);
  const startedAt = time(value, 'started_at');
  const endedAt = time(value, 'ended_at');
  const outcome = takeRow(
    transaction,
    { record, context },
    runtimeTurns,
    {
      ...ids,
      thread_id: threadId,
      position: turnPosition(transaction, record, threadId, ids.id),
      status: text(value, 'status'),
      attempt: 1,
      owner: 'import',
      input_summary: text(value, 'input_summary'),
      error: textOrNull(value, 'error'),
      created_at: createdAt,
      started_at: startedAt,
      ended_at: endedAt,
      ...storeRecordText(transaction, record, record.raw),
    },
    endedAt ?? startedAt ?? createdAt,
  );
  if (outcome !== 'unchanged') noteItemsOf(transaction, ids.id);
  return outcome;
};

/** Microseconds, so that turns of one millisecond keep their order; the latest turn comes last. */
function turnPosition(
  transaction: Transaction,
  record: ImportRecord,
  threadId: string,
  id: string,
): number {
  const latest = transaction.rows('select latest_turn_id from runtime_threads where id = ?', [
    threadId,
  ])[0]?.[0];
  return micros(text(record.value, 'created_at')) + (latest === id ? 1 : 0);
}

export const applyItem: Apply = (transaction, record, context) => {
  const { value } = record;
  const turnId = context.idOf('turns', text(value, 'turn_id'));
  const ids = context.rowIdOf(record);
  const startedAt = time(value, 'started_at');
  const endedAt = time(value, 'ended_at');
  const outcome = takeRow(
    transaction,
    { record, context },
    runtimeItems,
    {
      ...ids,
      turn_id: turnId,
      position: itemPosition(transaction, record, turnId, context),
      kind: text(value, 'kind'),
      status: text(value, 'status'),
      attempt: 1,
      summary: text(value, 'summary'),
      started_at: startedAt,
      ended_at: endedAt,
      ...storeRecordText(transaction, record, record.raw),
    },
    endedAt ?? startedAt ?? 0,
  );
  if (outcome !== 'unchanged') noteItem(transaction, ids.id);
  return outcome;
};

function itemPosition(
  transaction: Transaction,
  record: ImportRecord,
  turnId: string,
  context: HomeContext,
): number {
  const order = context.itemOrder(turnId, () => {
    const turn = transaction.first<BodyColumns>(
      ['body', 'body_hash'],
      'from runtime_turns where id = ?',
      [turnId],
    );
    if (!turn) return [];
    const { item_ids: ids } = JSON.parse(loadBody(transaction, turn)) as { item_ids?: string[] };
    return ids ?? [];
  });
  const listed = order.get(record.id ?? '');
  if (listed !== undefined) return listed;
  const started = text(record.value, 'started_at');
  return started === '' ? NEVER_STARTED : UNLISTED + Math.max(0, micros(started));
}

/** One line of a thread's log. Its number in this store is the order of arrival. */
export const applyEvent: Apply = (transaction, record, context) => {
  const { value, mark } = record;
  const logId = logIdOf(record);
  const threadId = context.idOf('threads', logId);
  const raw = asWritten(record.raw, mark?.ids ?? {});
  const members = new Map(objectMembers(raw).map((member) => [member.key, member.value]));
  const payload = members.get('payload') ?? 'null';
  const timestamp = text(value, 'timestamp');
  const at = requiredTime(value, 'timestamp');
  const said = {
    thread_id: threadId,
    // Columns of events hold no NUL, which the driver would cut them at; the line keeps it.
    type: text(value, 'event').replaceAll('\0', ''),
    turn_id: storedId(value, 'turn_id', 'turns', context),
    item_id: storedId(value, 'item_id', 'items', context),
    created_at: at,
  };
  const { gaps } = context;
  const named = mark?.id !== undefined && mark.device !== undefined ? mark : undefined;
  let { id = '', device = IMPORT_DEVICE } = named ?? {};
  if (named) {
    const body = storeRecordText(transaction, record, payload);
    const isSame = (held: string) =>
      lackingDetail(transaction, held, said.item_id) !== undefined &&
      wholePayload(held, '{}') === wholePayload(payload, '{}');
    const held = claimedRow(transaction, 'runtime_events', id, { ...said, ...body }, isSame);
    if (held === 'same') gaps.meets(transaction, threadId, device, id);
    if (held === 'same') return 'unchanged';
    if (held === 'another') [id, device] = ['', IMPORT_DEVICE];
  }
  if (id === '') {
    const digest =
      record.large?.digests?.event ??
      createHash('sha256').update(eventHead(record)).update(record.raw).digest('hex');
    id = `ev_${digest.slice(0, 28)}${suffix(context.occurrence(digest))}`;
    if (gaps.meets(transaction, threadId, device, id)) return 'unchanged';
  }
  const isSpelled = isDerivedId(threadId) && legacyId(threadId) === logId;
  const written = (key: string) => parseJson(members.get(key) ?? 'null') as string | null;
  const canonical = eventLine({
    seq: members.get('seq') ?? '',
    timestamp,
    threadId: isSpelled ? shortId(threadId) : logId,
    turnId: written('turn_id'),
    itemId: written('item_id'),
    event: said.type,
    payload,
  });
  const line =
    device === IMPORT_DEVICE
      ? {
          legacy_seq: members.get('seq') ?? null,
          legacy: keptOfLine({ raw, canonical }, timestamp, formatTime(at), () =>
            patchObject(raw, { payload: 'null' }),
          ),
        }
      : {};
  const last = transaction.number('select max(seq) from runtime_events where thread_id = ?', [
    threadId,
  ]);
  const seq = gaps.numberFor(transaction, threadId, device, last);
  return importPlain(transaction, 'runtime_events', {
    id,
    device,
    seq,
    ...said,
    ...line,
    ...storeRecordText(transaction, record, payload),
  });
};

/** The line that the old program wrote, where an export spelled ids anew in it. */
function asWritten(raw: string, ids: Readonly<Record<string, string>>): string {
  const derived = Object.entries(ids).filter(([, id]) => isDerivedId(id));
  if (derived.length === 0) return raw;
  const has = new Set(objectMembers(raw).map(({ key }) => key));
  const changes = derived
    .filter(([key]) => has.has(key))
    .map(([key, id]) => [key, JSON.stringify(shortId(id))]);
  return patchObject(raw, Object.fromEntries(changes) as Record<string, string>);
}

function storedId(
  value: Record<string, unknown>,
  key: string,
  kind: string,
  context: HomeContext,
): string | null {
  const id = textOrNull(value, key);
  return id === null ? null : context.idOf(kind, id);
}

/**
 * Unix microseconds of a checked RFC 3339 time; before the year 1684 and after 2255, where they would
 * be no exact number, the steps are tenths of a second.
 */
function micros(rfc3339: string): number {
  const fraction = /\.(\d+)/.exec(rfc3339)?.[1] ?? '';
  const exact = (parseTime(rfc3339) ?? 0) * 1000 + Number(fraction.padEnd(6, '0').slice(3, 6));
  const near = Math.min(Math.max(exact, -MICROS_MAX), MICROS_MAX);
  return near + Math.trunc((exact - near) / 100_000);
}

function suffix(occurrence: number): string {
  return occurrence === 0 ? '' : `-${occurrence}`;
}
